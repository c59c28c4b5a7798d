"""What a project and its team are set to: variables, domains, certificates, Edge Config, and their figures."""

import pytest

from console.domain.errors import Rejected
from console.playground.emulators.vercel_dns import TEAM_DOMAIN
from providers.vercel import (
    certificates,
    dns,
    domains,
    edge_config,
    environment,
    usage,
)
from providers.vercel.usage import parse_charges
from providers.wire import ShapeError
from tests.providers.subjects.vercel import FRONTEND, VercelSubject
from tests.providers.vercel.operating import Operator
from tests.providers.vercel.wishes import ASKS


class TestGivenVariables:
    async def test_when_some_are_not_written_then_names_tell_which_and_no_value_is_told(
        self, vercel: VercelSubject, operator: Operator
    ) -> None:
        failed = [{"error": {"code": "ENV_CONFLICT", "message": "KEY has hush-7 already", "key": "KEY"}}]
        vercel.faults.answer(201, {"created": [], "failed": failed, "envs": []}, to="/env")

        with pytest.raises(Rejected) as raised:
            await operator.act("set-variables", environment.SetEnvironment(FRONTEND, {"KEY": "hush-7", "B": "b"}))

        assert raised.value.what == "Vercel did not write 1 of 2 variables: KEY: ENV_CONFLICT. Written: B."
        assert "hush-7" not in str(raised.value)

    async def test_when_written_by_target_then_each_target_has_its_own(
        self, vercel: VercelSubject, operator: Operator
    ) -> None:
        for target, value in (("production", "live"), ("preview", "try")):
            await operator.act("set-variables", environment.SetEnvironment(FRONTEND, {"WORD": value}, (target,)))
        hidden = environment.SetEnvironment(FRONTEND, {"KEY": "s3cret"}, ("production", "preview"), kind="sensitive")
        await operator.act("set-variables", hidden)
        await operator.act("remove-variables", environment.RemoveVariables(FRONTEND, ("KEY",), ("preview",)))

        listed = await operator.ask("variables", environment.Variables(FRONTEND))

        told = sorted((one["name"], one["targets"], one["kind"], one["comes_back"]) for one in listed)
        assert told == [
            ("KEY", ("production",), "sensitive", False),
            ("WORD", ("preview",), "encrypted", True),
            ("WORD", ("production",), "encrypted", True),
        ]
        assert "decrypt" not in vercel.faults.sent[-1].url.params


class TestGivenDomains:
    async def test_when_one_from_elsewhere_is_added_then_it_says_how_to_prove_it(
        self, vercel: VercelSubject, operator: Operator
    ) -> None:
        added = await operator.act("add-domain", domains.AddDomain(FRONTEND, "shop.else.example"))
        [challenge] = added.outputs["challenges"]
        with pytest.raises(Rejected, match="missing required TXT Record"):
            await operator.act("verify-domain", domains.VerifyDomain(FRONTEND, "shop.else.example"))

        vercel.emulator.domains.public_txt.add((challenge["domain"], challenge["value"]))
        verified = await operator.act("verify-domain", domains.VerifyDomain(FRONTEND, "shop.else.example"))

        assert added.detail.startswith("shop.else.example is added and serves once it is verified: a TXT record at")
        assert (added.outputs["verified"], verified.detail) == (False, "shop.else.example is verified")

    async def test_when_it_is_to_redirect_instead_then_it_is_changed_where_it_is(
        self, vercel: VercelSubject, operator: Operator
    ) -> None:
        name = f"shop.{TEAM_DOMAIN}"
        await operator.act("add-domain", domains.AddDomain(FRONTEND, name))

        await operator.act("add-domain", domains.AddDomain(FRONTEND, name, redirect=TEAM_DOMAIN))
        removed = await operator.act("remove-domain", domains.RemoveDomain(FRONTEND, name))

        assert removed.outputs == {"redirect": TEAM_DOMAIN, "branch": ""}

    async def test_when_a_record_is_added_and_removed_then_the_outputs_are_what_undoes_it(
        self, operator: Operator
    ) -> None:
        wish = dns.AddDnsRecord(TEAM_DOMAIN, "SRV", "_sip", "sip.else.example", priority=5, port=5060)

        added = await operator.act("add-dns-record", wish)
        again = await operator.act("add-dns-record", wish)
        removed = await operator.act(
            "remove-dns-record", dns.RemoveDnsRecord(TEAM_DOMAIN, str(added.outputs["record"]))
        )

        assert (again.reference, again.outputs) == (added.reference, added.outputs)
        assert removed.outputs["value"] == "5 0 5060 sip.else.example"

    async def test_when_a_certificate_is_issued_then_one_for_the_same_names_can_be_later(
        self, vercel: VercelSubject, operator: Operator
    ) -> None:
        wish = certificates.IssueCertificate((f"shop.{TEAM_DOMAIN}",))
        first = await operator.act("issue-certificate", wish)
        await vercel.clock.advance(5)

        second = await operator.act("issue-certificate", wish)

        listed = await operator.ask("certificates", certificates.Certificates(f"shop.{TEAM_DOMAIN}"))
        assert [one.id for one in listed] == [second.reference, first.reference]
        assert first.detail.startswith(f"for shop.{TEAM_DOMAIN} until 20")


class TestGivenAnEdgeConfig:
    async def test_when_items_are_edited_then_text_and_json_are_told_apart(
        self, vercel: VercelSubject, operator: Operator
    ) -> None:
        [config] = await operator.ask("edge-configs", ASKS["edge-configs"])
        wish = edge_config.EditEdgeConfig(config.id, {"limit": "3", "word": "hello"}, ("banner",))

        await operator.act("edit-edge-config", wish)
        await operator.act("edit-edge-config", wish)

        items = await operator.ask("edge-config-items", edge_config.EdgeConfigItems(config.id))
        assert (items, vercel.count("edge_items")) == ({"limit": 3, "word": "hello"}, 1)


class TestGivenFigures:
    async def test_when_sites_were_visited_then_pages_and_charges_are_summed_up(
        self, vercel: VercelSubject, operator: Operator
    ) -> None:
        for path in ("/", "/cart", "/"):
            vercel.hosting.says("frontend", f"GET {path} 200 1.0 ms")

        views = await operator.ask("analytics", usage.Analytics(FRONTEND))
        [charge] = await operator.ask("usage", usage.Usage())

        assert (views["pageviews"], views["by"][0]["requestPath"], views["by"][0]["pageviews"]) == (3, "/", 2)
        assert (charge.service, charge.quantity, charge.unit, charge.currency) == (
            "Edge Requests",
            3,
            "Requests",
            "USD",
        )

    async def test_when_the_project_has_no_analytics_then_vercels_reason_is_told(
        self, vercel: VercelSubject, operator: Operator
    ) -> None:
        vercel.emulator.figures.analytics = False

        with pytest.raises(Rejected, match="Web Analytics is not enabled for this project"):
            await operator.ask("analytics", usage.Analytics(FRONTEND))

    def test_when_a_charge_is_no_record_then_the_answer_is_not_understood(self) -> None:
        with pytest.raises(ShapeError):
            parse_charges('{"BilledCost": 1}\n')
