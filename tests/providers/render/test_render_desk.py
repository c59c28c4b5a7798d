"""What is particular about Render's desk: secrets stay out, runs are told by events only, autoscaling beats a scale."""

from datetime import timedelta
from typing import Any

import pytest

from console.domain.codec import to_json
from console.domain.errors import Rejected
from console.playground.emulators.render_datastores import POSTGRES
from console.playground.emulators.render_deploy_calls import SOURCE
from console.playground.emulators.render_env import GROUP
from console.playground.emulators.render_estate import DOCS, REPORT, SEARCH
from providers.contract import Nothing, Operation, OperationKey, OperationStatus, RollBack
from providers.opened import Opened
from providers.render import (
    artifacts,
    backups,
    cronruns,
    datastores,
    domains,
    envgroups,
    events,
    jobs,
    loglines,
    onevariable,
    restarts,
    scaling,
    secretfiles,
    services,
)
from providers.render.reasons import describe_reason, explain_failure
from providers.render.wire import Event
from tests.providers.subjects.render import BLUE, GREEN, RenderSubject

SECRET_VALUE = "correct-horse-battery"


class Desk:
    """A person at the desk: does things, looks at what came of them."""

    def __init__(self, render: RenderSubject, connection: Opened) -> None:
        self.render = render
        self._desk = connection.desk
        self._wishes = 0

    async def do(self, action: str, request: object) -> Operation:
        self._wishes += 1
        offered: Any = self._desk.actions[action]
        done: Operation = await offered.actuator.start(request, OperationKey(f"w{self._wishes}", self.render.now()))
        return done

    async def look(self, action: str, begun: Operation) -> Operation:
        offered: Any = self._desk.actions[action]
        seen: Operation = await offered.actuator.observe(begun.reference)
        return seen

    async def ask(self, reading: str, request: object) -> Any:
        offered: Any = self._desk.readings[reading]
        return await offered.fetch(request)


@pytest.fixture
def desk(render: RenderSubject, connection: Opened) -> Desk:
    return Desk(render, connection)


class TestGivenServicesOfEveryType:
    async def test_when_they_are_listed_then_each_says_its_type_and_one_type_can_be_asked_for(self, desk: Desk) -> None:
        every = await desk.ask("services", services.Services())
        crons = await desk.ask("services", services.Services(type="cron_job"))

        kinds = {"web_service", "background_worker", "private_service", "cron_job", "static_site"}
        assert {one.type for one in every} == kinds
        assert [one.id for one in crons] == [REPORT.id]

    async def test_when_one_is_shown_then_it_has_what_its_type_has(self, desk: Desk) -> None:
        site = await desk.ask("service", services.OneService(DOCS.id))
        cron = await desk.ask("service", services.OneService(REPORT.id))
        search = await desk.ask("service", services.OneService(SEARCH.id))

        assert (site.publish_path, site.instances) == ("site", None)
        assert (cron.schedule, cron.url) == ("0 3 * * *", "")
        assert (search.image, search.runtime) == ("docker.io/acme/search:1.4.0", "image")


class TestGivenAutoscaling:
    async def test_when_it_is_on_then_a_fixed_number_is_refused_until_it_is_removed(self, desk: Desk) -> None:
        await desk.do("set-autoscaling", scaling.SetAutoscaling(BLUE, 2, 3, memory=80))
        with pytest.raises(Rejected, match="scaled automatically"):
            await desk.do("scale", scaling.Scale(BLUE, 1))
        await desk.do("remove-autoscaling", scaling.RemoveAutoscaling(BLUE))

        scaled = await desk.do("scale", scaling.Scale(BLUE, 4))

        assert (scaled.status, scaled.detail) == (OperationStatus.SUCCEEDED, "4 instances")


class TestGivenARollbackThatHeldAutoDeploy:
    async def test_when_it_is_lifted_then_pushes_deploy_again(
        self, desk: Desk, render: RenderSubject, connection: Opened
    ) -> None:
        live = (await connection.capabilities.inventory.fetch_target(BLUE)).live_deployment
        await connection.capabilities.roll_back.start(RollBack(BLUE, live), OperationKey("back", render.now()))
        held = await desk.ask("service", services.OneService(BLUE))

        await desk.do("lift-auto-deploy", services.LiftAutoDeploy(BLUE))

        lifted = await desk.ask("service", services.OneService(BLUE))
        assert (held.auto_deploy, lifted.auto_deploy) == (False, True)


class TestGivenSecrets:
    async def test_when_they_are_put_then_neither_reference_nor_reading_tells_them(self, desk: Desk) -> None:
        wishes = {
            "set-variable": onevariable.SetVariable(BLUE, "FLAG", SECRET_VALUE),
            "put-secret-file": secretfiles.PutSecretFile(BLUE, "key.pem", SECRET_VALUE),
            "set-group-variable": envgroups.SetGroupVariable(GROUP, "FLAG", SECRET_VALUE),
            "put-group-file": envgroups.PutGroupFile(GROUP, "key.pem", SECRET_VALUE),
        }
        told = [to_json(await desk.do(action, request)) for action, request in wishes.items()]
        told += [
            to_json(await desk.ask("variables", services.OneService(BLUE))),
            to_json(await desk.ask("secret-files", services.OneService(BLUE))),
            to_json(await desk.ask("env-group", envgroups.OneGroup(GROUP))),
        ]

        assert SECRET_VALUE not in str(told)
        assert told[-3:-1] == [["FLAG"], ["key.pem"]]
        assert told[-1]["variables"] == ["FLAG", "REGION"]

    async def test_when_a_file_is_put_then_the_others_stay_and_no_list_is_replaced(self, desk: Desk) -> None:
        await desk.do("put-secret-file", secretfiles.PutSecretFile(BLUE, "a", "1"))
        await desk.do("put-secret-file", secretfiles.PutSecretFile(BLUE, "b", "2"))
        await desk.do("remove-secret-file", secretfiles.RemoveSecretFile(BLUE, "a"))

        assert await desk.ask("secret-files", services.OneService(BLUE)) == ["b"]
        assert not [r for r in desk.render.faults.sent if r.method == "PUT" and r.url.path.endswith("/secret-files")]

    async def test_when_a_value_changes_then_the_new_one_is_there_once(self, desk: Desk) -> None:
        await desk.do("set-variable", onevariable.SetVariable(BLUE, "FLAG", "old"))

        await desk.do("set-variable", onevariable.SetVariable(BLUE, "FLAG", "new"))

        assert desk.render.emulator.services[BLUE].env_vars == {"FLAG": "new"}

    async def test_when_a_group_is_linked_then_it_names_the_service(self, desk: Desk) -> None:
        await desk.do("link-env-group", envgroups.LinkGroup(GROUP, GREEN))

        [group] = await desk.ask("env-groups", Nothing())
        assert group.services == (GREEN,)


class TestGivenDomains:
    async def test_when_one_is_verified_then_it_ends_once_the_dns_is_right(self, desk: Desk) -> None:
        added = await desk.do("add-domain", domains.AddDomain(BLUE, "example.com"))
        begun = await desk.do("verify-domain", domains.VerifyDomain(BLUE, "example.com"))
        await desk.render.clock.advance(5)
        ended = await desk.look("verify-domain", begun)

        names = {one.name: one.redirects_to for one in await desk.ask("domains", services.OneService(BLUE))}
        assert (added.status, begun.status, ended.status) == ("succeeded", "running", "succeeded")
        assert names == {"example.com": "", "www.example.com": "example.com"}

    async def test_when_another_service_has_it_then_that_is_refused(self, desk: Desk) -> None:
        await desk.do("add-domain", domains.AddDomain(BLUE, "shop.example.com"))

        with pytest.raises(Rejected, match="already in use"):
            await desk.do("add-domain", domains.AddDomain(GREEN, "shop.example.com"))


class TestGivenJobsAndRuns:
    async def test_when_a_job_fails_then_so_does_the_operation(self, desk: Desk) -> None:
        begun = await desk.do("run-job", jobs.RunJob(BLUE, "false"))
        await desk.render.clock.advance(5)

        ended = await desk.look("run-job", begun)

        assert (begun.status, ended.status, ended.detail) == ("running", "failed", "failed")

    async def test_when_a_run_is_canceled_then_only_that_one_is(self, desk: Desk) -> None:
        first = await desk.do("run-cron-job", cronruns.RunCronJob(REPORT.id))
        await desk.render.clock.advance(1)
        second = await desk.do("run-cron-job", cronruns.RunCronJob(REPORT.id))
        old = await desk.do("cancel-cron-run", cronruns.CancelCronRun(REPORT.id, str(first.outputs["run"])))
        await desk.render.clock.advance(10)

        assert (await desk.look("run-cron-job", first)).status is OperationStatus.CANCELLED
        assert (await desk.look("run-cron-job", second)).status is OperationStatus.SUCCEEDED
        assert (old.detail, desk.render.count("cancel_cron_run")) == ("canceled", 0)

    async def test_when_a_service_is_restarted_then_it_ends_with_the_last_old_instance(self, desk: Desk) -> None:
        await desk.render.clock.advance(30)
        before = await desk.ask("instances", services.OneService(BLUE))
        begun = await desk.do("restart", restarts.Restart(BLUE))
        await desk.render.clock.advance(5)

        after = await desk.ask("instances", services.OneService(BLUE))
        assert (begun.status, (await desk.look("restart", begun)).status) == ("running", "succeeded")
        assert {one.id for one in before}.isdisjoint({one.id for one in after})


class TestGivenArtifacts:
    async def test_when_one_build_is_deployed_to_two_services_then_both_are_made_of_it(self, desk: Desk) -> None:
        built = await desk.do("start-build", artifacts.StartBuild(SOURCE))
        await desk.render.clock.advance(5)
        build = str(built.outputs["build"])

        for service in (BLUE, "srv-d4work0k7v1c9m2e5fg0"):
            await desk.do("deploy-build", artifacts.DeployBuild(service, build))
        await desk.render.finish()

        for service in (BLUE, "srv-d4work0k7v1c9m2e5fg0"):
            newest = (await desk.ask("deploys", services.OneService(service)))[0]
            assert (newest.build, newest.status) == (build, "live")

    async def test_when_an_image_is_queued_behind_another_then_its_own_deploy_is_found(self, desk: Desk) -> None:
        await desk.do("deploy-image", artifacts.DeployImage(SEARCH.id, "docker.io/acme/search:1.5.0"))

        queued = await desk.do("deploy-image", artifacts.DeployImage(SEARCH.id, "docker.io/acme/search:1.6.0"))
        await desk.render.finish()

        assert (await desk.look("deploy-image", queued)).status is OperationStatus.SUCCEEDED
        assert (await desk.ask("service", services.OneService(SEARCH.id))).image == "docker.io/acme/search:1.6.0"

    async def test_when_the_image_is_another_one_then_render_refuses(self, desk: Desk) -> None:
        with pytest.raises(Rejected, match="the image must be one of"):
            await desk.do("deploy-image", artifacts.DeployImage(SEARCH.id, "docker.io/other/thing:1"))


class TestGivenADatabase:
    async def test_when_the_name_for_a_restored_moment_is_taken_then_nothing_is_restored(self, desk: Desk) -> None:
        wish = backups.RestorePostgres(POSTGRES, desk.render.now() - timedelta(minutes=5), "reports")

        with pytest.raises(Rejected, match="There is a database reports already"):
            await desk.do("restore-postgres", wish)

        assert desk.render.count("restore") == 0

    async def test_when_it_is_exported_then_the_address_of_the_export_is_not_told(self, desk: Desk) -> None:
        begun = await desk.do("export-postgres", backups.ExportPostgres(POSTGRES))
        await desk.render.clock.advance(5)

        ended = await desk.look("export-postgres", begun)
        told = to_json(await desk.ask("postgres-exports", datastores.OnePostgres(POSTGRES)))
        assert (begun.detail, ended.detail) == ("exporting", "ready")
        assert "https" not in str(told)


class TestGivenLogs:
    async def test_when_lines_are_picked_then_the_newest_that_fit_come_oldest_first(self, desk: Desk) -> None:
        for number in range(150):
            desk.render.hosting.says("backend-blue", f"line {number}", level="error" if number % 2 else "info")
            await desk.render.clock.advance(0.01)

        found = await desk.ask("logs", loglines.LogQuery(BLUE, text=("line",), level=("error",), limit=70))

        assert [line.text for line in found] == [f"line {number}" for number in range(11, 151, 2)]


class TestGivenEvents:
    async def test_when_they_are_read_then_they_say_what_happened_in_words(self, desk: Desk) -> None:
        await desk.do("set-autoscaling", scaling.SetAutoscaling(BLUE, 2, 3, cpu=60))
        await desk.do("run-job", jobs.RunJob(BLUE, "false"))
        await desk.do("restart", restarts.Restart(BLUE))
        await desk.render.clock.advance(5)

        told = {one.type: one.words for one in await desk.ask("events", events.Events(BLUE))}

        assert told["instance_count_changed"] == "1 to 2"
        assert told["job_run_ended"] == "failed, the process ended with exit code 1"
        assert told["server_restarted"] == "by ops@harbour.example"

    @pytest.mark.parametrize(
        ("reason", "words"),
        [
            ({"failure": {"oomKilled": {"memoryLimit": "512Mi"}}}, "it ran out of memory (limit 512Mi)"),
            ({"failure": {"evicted": True, "earlyExit": True}}, "the process ended too early, it was evicted"),
            ({"failure": None, "newDeploy": {"id": "dep-9"}}, "dep-9 took its place"),
            ({}, ""),
            (None, ""),
        ],
    )
    def test_when_a_reason_is_told_then_it_is_a_sentence(self, reason: object, words: str) -> None:
        assert describe_reason(reason) == words

    def test_when_the_pre_deploy_command_failed_then_its_own_event_says_why(self) -> None:
        told = [
            Event("deploy_ended", None, {"deployId": "dep-1", "reason": {}}),
            Event("pre_deploy_ended", None, {"deployId": "dep-1", "reason": {"failure": {"nonZeroExit": 3}}}),
        ]

        assert explain_failure(told, "dep-1") == "the process ended with exit code 3"

    def test_when_an_event_is_unknown_then_it_is_told_all_the_same(self) -> None:
        happening = events.tell(Event("frobnicated", None, {"what": {"ever": 1}}))

        assert (happening.type, happening.words) == ("frobnicated", "")
