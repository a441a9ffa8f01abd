"""The flows of Stripe's documents with Stripe's own library for Python, against the sandbox: one line a check."""

import json
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

import standardwebhooks
import stripe

URL = sys.argv[1]
DELIVERIES = json.load(open(sys.argv[2]))
CARD = {"allowed_payment_method_types": ["card"]}
PAY = {"amount": 1250, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True, **CARD}
api = stripe.StripeClient("sk_test_python", base_addresses={"api": URL}).v1


def control(path, body):
    request = urllib.request.Request(URL + "/_sandbox/" + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
    return json.load(urllib.request.urlopen(request))


def check(name, work):
    try:
        wrong = work()
        print(f"{'ok' if wrong in (None, True) else 'no'} {name}" + ("" if wrong in (None, True) else f": {wrong}"), flush=True)
    except Exception as error:  # whatever a library throws is a difference
        print(f"no {name}: {type(error).__name__}: {error}", flush=True)


def raises(kind, code, work):
    try:
        work()
    except kind as error:
        return True if error.code == code else f"code {error.code}"
    return "nothing was raised"


def customers():
    made = api.customers.create({"name": "Ada", "email": "python@example.test", "metadata": {"a": "1"}})
    assert api.customers.retrieve(made.id).name == "Ada"
    assert api.customers.update(made.id, {"name": "Bea"}).name == "Bea"
    assert [one.id for one in api.customers.list({"email": "python@example.test"}).data] == [made.id]
    assert api.customers.search({"query": "email:'python@example.test'"}).data[0].id == made.id
    assert api.customers.delete(made.id).deleted


def methods():
    whose = api.customers.create({"name": "Ada"}).id
    method = api.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}})
    api.payment_methods.attach(method.id, {"customer": whose})
    assert [one.id for one in api.customers.payment_methods.list(whose).data] == [method.id]
    paid = api.payment_intents.create({**PAY, "customer": whose, "payment_method": method.id, "off_session": True})
    assert paid.status == "succeeded"
    assert api.payment_methods.detach(method.id).customer is None


def payments():
    made = api.payment_intents.create({"amount": 900, "currency": "eur", **CARD})
    api.payment_intents.update(made.id, {"metadata": {"order": "7"}})
    paid = api.payment_intents.confirm(made.id, {"payment_method": "pm_card_visa"})
    assert (paid.status, paid.metadata["order"]) == ("succeeded", "7")
    seen = api.payment_intents.retrieve(made.id, {"expand": ["latest_charge.balance_transaction"]})
    assert seen.latest_charge.captured
    held = api.payment_intents.create({**PAY, "capture_method": "manual"})
    assert api.payment_intents.capture(held.id, {"amount_to_capture": 1000}).amount_received == 1000
    gone = api.payment_intents.create({**PAY, "capture_method": "manual"})
    assert api.payment_intents.cancel(gone.id).status == "canceled"
    first, second = (api.payment_intents.create(PAY, {"idempotency_key": "python-1"}) for _ in range(2))
    assert first.id == second.id
    assert len(list(api.payment_intents.list({"limit": 2}).auto_paging_iter())) >= 4


def setups():
    whose = api.customers.create({}).id
    made = api.setup_intents.create({**CARD, "customer": whose, "payment_method": "pm_card_visa", "confirm": True})
    assert made.status == "succeeded"
    token = api.test_helpers.confirmation_tokens.create({"payment_method": "pm_card_visa", "return_url": "https://shop.test/"})
    paid = api.payment_intents.create({"amount": 500, "currency": "usd", "confirm": True, "confirmation_token": token.id})
    assert paid.status == "succeeded"


def refunds():
    paid = api.payment_intents.create(PAY)
    part = api.refunds.create({"payment_intent": paid.id, "amount": 250})
    assert (part.status, api.refunds.retrieve(part.id).amount) == ("succeeded", 250)
    assert len(api.refunds.list({"payment_intent": paid.id}).data) == 1


def disputes():
    paid = api.payment_intents.create({**PAY, "payment_method": "pm_card_createDispute"})
    control("clock", {"advance_s": 2})
    [dispute] = api.disputes.list({"payment_intent": paid.id}).data
    api.disputes.update(dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}, "submit": True})
    control("clock", {"advance_s": 2})
    assert api.disputes.retrieve(dispute.id).status == "won"


def payouts():
    available = {"payment_method": "pm_card_bypassPending", "capture_method": "automatic", "amount": 100_000}
    api.payment_intents.create({**PAY, **available})
    assert any(part.amount > 0 for part in api.balance.retrieve().available)
    by_hand = api.payouts.create({"amount": 10, "currency": "usd"})
    automatic = control("payouts", {"currency": "usd"})
    assert api.payouts.retrieve(automatic["id"]).automatic and not by_hand.automatic
    assert api.balance_transactions.list({"payout": automatic["id"]}).data[0].type == "payout"


def events():
    paid = api.payment_intents.create(PAY)
    told = api.events.list({"type": "payment_intent.succeeded", "limit": 1}).data[0]
    assert told.data.object["id"] == paid.id and api.events.retrieve(told.id).type == told.type


def webhooks():
    heard = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self):
            heard.append((self.rfile.read(int(self.headers["Content-Length"])), self.headers["Stripe-Signature"]))
            self.send_response(200)
            self.end_headers()
            enough.set()

        def log_message(self, *_):
            pass

    enough = threading.Event()
    server = HTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/"
    endpoint = api.webhook_endpoints.create({"url": url, "enabled_events": ["payment_intent.succeeded"]})
    api.payment_intents.create(PAY)
    assert enough.wait(10), "nothing was heard"
    api.webhook_endpoints.delete(endpoint.id)
    server.shutdown()
    # The clock of the sandbox has been moved, and the signature with it.
    event = stripe.Webhook.construct_event(*heard[0], endpoint.secret, tolerance=10**9)
    assert event.type == "payment_intent.succeeded"
    return raises(stripe.SignatureVerificationError, None, lambda: stripe.Webhook.construct_event(*heard[0], "whsec_other"))


def standard():
    for one in DELIVERIES:
        for secret in one["secrets"]:
            standardwebhooks.Webhook(secret).verify(one["body"], one["headers"])
        try:
            standardwebhooks.Webhook(one["stranger"]).verify(one["body"], one["headers"])
            return "a stranger's secret verifies"
        except standardwebhooks.WebhookVerificationError:
            pass


print(f"version {stripe.VERSION if hasattr(stripe, 'VERSION') else stripe._version.VERSION} {stripe.api_version}")
check("customers", customers)
check("payment methods", methods)
check("payments", payments)
check("setups and confirmation tokens", setups)
check("refunds", refunds)
check("disputes", disputes)
check("payouts and balance", payouts)
check("events", events)
check("webhook signatures", webhooks)
declined = {**PAY, "payment_method": "pm_card_visa_chargeDeclined"}
check("a decline is a card error", lambda: raises(stripe.CardError, "card_declined", lambda: api.payment_intents.create(declined)))
check("what is missing is an invalid request", lambda: raises(stripe.InvalidRequestError, "resource_missing", lambda: api.charges.retrieve("ch_nope")))
stranger = stripe.StripeClient("sk_live_x", base_addresses={"api": URL}).v1
check("a wrong key is an authentication error", lambda: raises(stripe.AuthenticationError, None, lambda: stranger.charges.list()))
check("standard webhooks of a service, rotated twice", standard)
