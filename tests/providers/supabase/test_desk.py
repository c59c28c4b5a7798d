"""What the desk does to Supabase beyond what the laws ask of every actuator."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from console.domain.errors import Rejected, UnexpectedReply, UsageError
from providers.contract import Nothing, OperationStatus
from providers.supabase.auth import AuthSettings, SetAuth
from providers.supabase.backups import CreateRestorePoint, RestoreBackup, UndoToRestorePoint
from providers.supabase.branches import CreateBranch, Diff, OfBranch
from providers.supabase.fields import OfProject
from providers.supabase.functions import DeployFunctions
from providers.supabase.hostname import SetHostname, VerifyHostname
from providers.supabase.insights import LogQuery
from providers.supabase.keys import CreateApiKey, SetSigningKey
from providers.supabase.metrics import Figures, Samples, parse_page, summarize
from providers.supabase.network import RestrictNetwork
from providers.supabase.postgres import SetPostgres, Sql
from providers.supabase.projects import Pause
from providers.supabase.runs import MergeBranch, PushBranch
from providers.supabase.secrets import SetSecrets
from providers.supabase.upgrades import Upgrade
from tests.providers.supabase.wishes import DAY, FUNCTIONS, REF, STANDBY, START, Course, with_branch, with_keys
from tests.support.openapi import SHARED

OF = OfProject(REF)


class TestGivenBranches:
    async def test_when_a_merge_cannot_migrate_then_it_failed_and_says_where_the_words_are(self, office):
        with_branch(office.platform, office.project)
        await office.clock.sleep(10)
        office.platform.branches.failing.add("preview")

        begun = await office.act("merge-branch", MergeBranch(REF, "preview"))
        ended = await office.see("merge-branch", begun, after=30)

        assert (begun.status, ended.status) == (OperationStatus.RUNNING, OperationStatus.FAILED)
        assert "migrate failed" in ended.detail
        assert ended.outputs["run"]

    async def test_when_it_is_pushed_twice_by_two_wishes_then_each_has_its_own_run(self, office):
        with_branch(office.platform, office.project)
        await office.clock.sleep(10)
        first = await office.act("push-branch", PushBranch(REF, "preview"))
        await office.clock.sleep(30)
        second = await office.act("push-branch", PushBranch(REF, "preview"), "another")
        first = await office.see("push-branch", first, after=30)

        assert first.status is OperationStatus.SUCCEEDED
        assert first.outputs["run"] != second.outputs["run"]

    async def test_when_its_database_is_shown_then_the_password_is_not(self, office):
        with_branch(office.platform, office.project)

        shown = await office.ask("branch", OfBranch(REF, "preview"))

        assert shown["db_host"]
        assert "password" not in str(shown)
        assert "jwt_secret" not in str(shown)

    async def test_when_an_unknown_one_is_asked_about_then_it_is_refused_in_words(self, office):
        with pytest.raises(Rejected, match="no branch 'none'"):
            await office.ask("branch-diff", Diff(REF, "none"))

    async def test_when_it_is_made_with_secrets_then_its_reference_has_none(self, office):
        made = await office.act("create-branch", CreateBranch(REF, "preview", secrets={"TOKEN": "s3cr3t-of-branch"}))

        assert "s3cr3t-of-branch" not in str(made)
        assert (await office.see("create-branch", made, after=30)).status is OperationStatus.SUCCEEDED


class TestGivenADatabaseToTakeBack:
    async def test_when_the_restore_fails_then_the_operation_fails(self, office):
        begun = await office.act("restore-backup", RestoreBackup(REF, int(START // DAY)))
        office.project.course = Course(START, "RESTORE_FAILED")

        assert (await office.see("restore-backup", begun)).status is OperationStatus.FAILED

    async def test_when_nothing_of_it_shows_then_it_is_lost_in_the_end(self, office):
        begun = await office.act("restore-backup", RestoreBackup(REF, int(START // DAY)))
        office.project.course = Course(START, "ACTIVE_HEALTHY")
        office.project.restarted_at = 0.0

        soon, late = [await office.see("restore-backup", begun, after=seconds) for seconds in (60, 900)]

        assert (soon.status, late.status) == (OperationStatus.RUNNING, OperationStatus.LOST)

    async def test_when_the_plan_lacks_point_in_time_recovery_then_its_words_are_quoted(self, office):
        await office.act("create-restore-point", CreateRestorePoint(REF, "before"))

        with pytest.raises(Exception, match="Point in Time Recovery"):
            await office.act("undo-to-restore-point", UndoToRestorePoint(REF, "before"))


class TestGivenSettings:
    async def test_when_postgres_is_set_then_the_other_settings_stay(self, office):
        office.project.postgres = {"statement_timeout": "30s"}

        await office.act("set-postgres", SetPostgres(REF, {"max_connections": "120", "hot_standby_feedback": "on"}))

        assert office.project.postgres == {
            "statement_timeout": "30s",
            "max_connections": 120,
            "hot_standby_feedback": True,
        }
        assert office.project.course.at(START + 1) == "ACTIVE_HEALTHY"

    async def test_when_secrets_are_set_then_no_text_has_their_values(self, office):
        done = await office.act("set-secrets", SetSecrets(REF, {"API_KEY": "s3cr3t-of-function"}))

        assert done.status is OperationStatus.SUCCEEDED
        assert "s3cr3t-of-function" not in str(done)
        assert "s3cr3t-of-function" not in str(await office.ask("secrets", OF))
        assert office.project.secrets["API_KEY"][0] == "s3cr3t-of-function"

    async def test_when_auth_is_set_then_texts_become_what_the_platform_wants(self, office):
        wish = SetAuth(
            REF,
            {"jwt_exp": "1800", "disable_signup": "true", "rate_limit_otp": "30", "smtp_port": "587"},
            {"smtp_pass": "s3cr3t-of-mail"},
        )
        done = await office.act("set-auth", wish)
        shown = await office.ask("auth", AuthSettings(REF, ("smtp_", "jwt_exp")))

        assert done.status is OperationStatus.SUCCEEDED
        assert [office.project.auth[name] for name in wish.settings] == [1800, True, 30, "587"]
        assert (shown["smtp_pass"], shown["jwt_exp"]) == ("set", 1800)
        assert "s3cr3t-of-mail" not in str(done)

    async def test_when_addresses_are_restricted_then_it_runs_until_they_are_applied(self, office):
        begun = await office.act("restrict-network", RestrictNetwork(REF, ("203.0.113.0/24",)))
        ended = await office.see("restrict-network", begun, after=5)

        assert (begun.status, ended.status) == (OperationStatus.RUNNING, OperationStatus.SUCCEEDED)

    async def test_when_dns_is_not_ready_then_the_operation_says_what_is_missing(self, office):
        await office.act("set-hostname", SetHostname(REF, "api.example.com"))
        await office.clock.sleep(5)
        office.platform.hostnames.unresolved.add("api.example.com")

        begun = await office.act("verify-hostname", VerifyHostname(REF))

        assert begun.status is OperationStatus.RUNNING
        assert "no TXT record" in begun.detail
        assert "TXT _acme-challenge.api.example.com proof" in (await office.ask("hostname", OF))["records"]


class TestGivenKeys:
    async def test_when_one_is_made_then_its_value_is_shown_nowhere(self, office):
        made = await office.act("create-api-key", CreateApiKey(REF, "for_worker"))
        value = next(key.value for key in office.project.api_keys.values() if key.name == "for_worker")

        assert value not in str(made)
        assert value not in str(await office.ask("api-keys", OF))
        assert office.project.api_keys[made.outputs["key"]].value == value

    async def test_when_a_signing_key_is_put_in_use_then_the_old_one_can_be_revoked(self, office):
        with_keys(office.platform, office.project)
        old = next(key.id for key in office.project.signing_keys.values() if key.status == "in_use")

        with pytest.raises(Rejected, match="cannot become revoked"):
            await office.act("set-signing-key", SetSigningKey(REF, old, "revoked"))
        await office.act("set-signing-key", SetSigningKey(REF, STANDBY, "in_use"))
        done = await office.act("set-signing-key", SetSigningKey(REF, old, "revoked"))

        assert done.status is OperationStatus.SUCCEEDED


class TestGivenFunctions:
    def sources(self, tmp_path: Path) -> Path:
        place = tmp_path / "functions"
        shutil.copytree(FUNCTIONS, place)
        (place / "hello" / "node_modules").mkdir()
        (place / "hello" / "node_modules" / "junk.js").write_text("junk")
        (place / "bye").mkdir()
        (place / "bye" / "index.js").write_text("Deno.serve(() => new Response('bye'))")
        return place

    async def test_when_all_are_deployed_then_they_are_switched_by_one_call(self, office, tmp_path):
        done = await office.act("deploy-functions", DeployFunctions(REF, str(self.sources(tmp_path))))

        assert done.status is OperationStatus.SUCCEEDED
        assert sorted(done.outputs) == ["bye", "hello"]
        assert len(office.sent("PUT", "/functions")) == 1
        body = office.project.functions["hello"].body
        assert b"_shared/cors.ts" in body
        assert b"junk" not in body
        assert office.project.functions["hello"].told["import_map"]

    async def test_when_deployed_again_then_the_version_rises(self, office, tmp_path):
        wish = DeployFunctions(REF, str(self.sources(tmp_path)), ("hello",), open_to_all=("hello",))
        await office.act("deploy-functions", wish)
        await office.clock.sleep(60)
        (tmp_path / "functions" / "hello" / "index.ts").write_text("// another")
        again = await office.act("deploy-functions", wish, "another")

        told = office.project.functions["hello"].told
        assert (told["version"], told["verify_jwt"]) == (2, False)
        assert again.outputs == {"hello": told["ezbr_sha256"]}

    async def test_when_there_are_none_then_it_is_wrong_usage(self, office, tmp_path):
        for directory, names in ((str(tmp_path), ()), ("functions", ()), (str(FUNCTIONS), ("../hello",))):
            with pytest.raises(UsageError):
                await office.act("deploy-functions", DeployFunctions(REF, directory, names))


class TestGivenAProject:
    async def test_when_pausing_fails_then_it_says_so_and_can_be_asked_again(self, office):
        begun = await office.act("pause", Pause(REF))
        office.project.course = Course(START, "PAUSE_FAILED")
        seen = await office.see("pause", begun)
        office.project.course = Course(START, "ACTIVE_HEALTHY")
        again = await office.act("pause", Pause(REF), "another")

        assert (seen.status, again.status) == (OperationStatus.FAILED, OperationStatus.RUNNING)

    async def test_when_an_upgrade_fails_then_the_step_is_named(self, office):
        begun = await office.act("upgrade", Upgrade(REF, "17"))
        told = {"initiated_at": office.subject.now().isoformat(), "latest_status_at": "", "target_version": 17}
        body = {"databaseUpgradeStatus": {**told, "error": "5_data_upgrade_completion_failed", "status": 1}}
        office.faults.answer(200, body, to="/upgrade/status")

        seen = await office.see("upgrade", begun)

        assert seen.status is OperationStatus.FAILED
        assert "5_data_upgrade_completion_failed" in seen.detail

    async def test_when_fields_are_missing_or_null_then_projects_are_still_listed(self, office):
        office.faults.answer(200, [{"ref": REF, "name": None, "status": "FROZEN"}], to="/v1/projects")

        assert (await office.ask("projects", Nothing()))[0]["status"] == "FROZEN"

    async def test_when_sql_is_asked_then_it_reads_only(self, office):
        rows = await office.ask("sql", Sql(REF, "select $1 as one", ("x",)))

        assert rows
        assert office.sent("POST")[-1].url.path.endswith("/query/read-only")

    async def test_when_a_log_query_is_wrong_then_the_good_answer_is_an_error(self, office):
        with pytest.raises(Rejected, match="Expected FROM"):
            await office.ask("logs", LogQuery(REF, "select 1"))

    async def test_when_logs_are_asked_for_long_then_it_is_a_day_at_most(self, office):
        wish = LogQuery(REF, "select id from edge_logs", since=office.subject.now() - timedelta(days=9))

        assert await office.ask("logs", wish) == []


class TestGivenThePageOfFigures:
    async def test_when_it_is_read_then_figures_have_our_names(self, office):
        figures = await office.ask("figures", Figures(REF))
        samples = await office.ask("samples", Samples(REF, "node_memory_MemTotal"))

        assert figures["up"] == 1
        assert 0 < figures["memory_available_bytes"] <= figures["memory_total_bytes"]
        assert [one["name"] for one in samples] == ["node_memory_MemTotal_bytes"]

    async def test_when_it_is_a_web_page_then_it_is_unexpected(self, office):
        office.faults.answer(200, "<html>maintenance</html>", to="/privileged/metrics")

        with pytest.raises(UnexpectedReply):
            await office.ask("figures", Figures(REF))

    def test_when_a_line_has_a_label_twice_then_the_rest_is_read_all_the_same(self):
        page = 'a{ref="x",ref="y",mode="idle"} 1\nb 2 1700000000\n# HELP c\nnonsense line here\nd{q="a\\"b"} 3e2\n'

        assert [(one.name, one.value) for one in parse_page(page)] == [("a", 1.0), ("b", 2.0), ("d", 300.0)]

    @pytest.mark.skipif(not SHARED.is_dir(), reason="the shared folder with the recordings is absent")
    def test_when_the_recorded_page_is_read_then_no_sample_is_lost(self):
        page = (SHARED / "recordings" / "supabase-privileged-metrics.prom").read_text()

        samples = parse_page(page)
        figures = summarize(samples)

        assert len(samples) == sum(1 for line in page.splitlines() if line and not line.startswith("#"))
        assert set(figures) >= {
            "up",
            "load_1m",
            "memory_total_bytes",
            "memory_available_bytes",
            "disk_size_bytes",
            "disk_available_bytes",
            "database_size_mb",
            "connections",
            "max_connections",
            "backends",
            "pooler_waiting",
            "replication_lag_s",
            "slot_lag_bytes",
            "read_only",
        }
