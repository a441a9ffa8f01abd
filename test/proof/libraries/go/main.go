// The flows of Stripe's documents with Stripe's own library for Go, against the sandbox: one line a check.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stripe/stripe-go/v85"
	"github.com/stripe/stripe-go/v85/webhook"
)

var (
	url = os.Args[1]
	ctx = context.Background()
	api = client("sk_test_go")
)

func client(key string) *stripe.Client {
	config := &stripe.BackendConfig{URL: stripe.String(url), MaxNetworkRetries: stripe.Int64(0), LeveledLogger: &stripe.LeveledLogger{Level: stripe.LevelNull}}
	return stripe.NewClient(key, stripe.WithBackends(stripe.NewBackendsWithConfig(config)))
}

func control(path string, body any, reply any) error {
	text, _ := json.Marshal(body)
	response, err := http.Post(url+"/_sandbox/"+path, "application/json", bytes.NewReader(text))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	return json.NewDecoder(response.Body).Decode(reply)
}

func advance(seconds int) error {
	return control("clock", map[string]any{"advance_s": seconds}, &map[string]any{})
}

func check(name string, work func() error) {
	if err := work(); err != nil {
		fmt.Printf("no %s: %v\n", name, err)
		return
	}
	fmt.Printf("ok %s\n", name)
}

func that(holds bool, what string) error {
	if holds {
		return nil
	}
	return errors.New(what)
}

func pay() *stripe.PaymentIntentCreateParams {
	return &stripe.PaymentIntentCreateParams{
		Amount: stripe.Int64(1250), Currency: stripe.String("usd"), Confirm: stripe.Bool(true),
		PaymentMethod: stripe.String("pm_card_visa"), PaymentMethodTypes: stripe.StringSlice([]string{"card"}),
	}
}

func raises(err error, kind stripe.ErrorType, code stripe.ErrorCode) error {
	var failure *stripe.Error
	if !errors.As(err, &failure) {
		return fmt.Errorf("it was %v", err)
	}
	return that(failure.Type == kind && failure.Code == code, fmt.Sprintf("%s %s", failure.Type, failure.Code))
}

func customers() error {
	made, err := api.V1Customers.Create(ctx, &stripe.CustomerCreateParams{Name: stripe.String("Ada"), Email: stripe.String("go@example.test")})
	if err != nil {
		return err
	}
	if _, err = api.V1Customers.Update(ctx, made.ID, &stripe.CustomerUpdateParams{Name: stripe.String("Bea")}); err != nil {
		return err
	}
	seen, err := api.V1Customers.Retrieve(ctx, made.ID, nil)
	if err != nil || seen.Name != "Bea" {
		return fmt.Errorf("read %v %v", seen, err)
	}
	count := 0
	for one, err := range api.V1Customers.List(ctx, &stripe.CustomerListParams{Email: stripe.String("go@example.test")}).All(ctx) {
		if err != nil {
			return err
		}
		count++
		if one.ID != made.ID {
			return errors.New("another customer")
		}
	}
	gone, err := api.V1Customers.Delete(ctx, made.ID, nil)
	if err != nil {
		return err
	}
	return that(count == 1 && gone.Deleted, "not deleted")
}

func methods() error {
	whose, err := api.V1Customers.Create(ctx, &stripe.CustomerCreateParams{})
	if err != nil {
		return err
	}
	method, err := api.V1PaymentMethods.Attach(ctx, "pm_card_visa", &stripe.PaymentMethodAttachParams{Customer: stripe.String(whose.ID)})
	if err != nil {
		return err
	}
	params := pay()
	params.Customer, params.PaymentMethod, params.OffSession = stripe.String(whose.ID), stripe.String(method.ID), stripe.Bool(true)
	paid, err := api.V1PaymentIntents.Create(ctx, params)
	if err != nil {
		return err
	}
	if _, err = api.V1PaymentMethods.Detach(ctx, method.ID, nil); err != nil {
		return err
	}
	return that(paid.Status == stripe.PaymentIntentStatusSucceeded, string(paid.Status))
}

func payments() error {
	made, err := api.V1PaymentIntents.Create(ctx, &stripe.PaymentIntentCreateParams{Amount: stripe.Int64(900), Currency: stripe.String("eur"), PaymentMethodTypes: stripe.StringSlice([]string{"card"})})
	if err != nil {
		return err
	}
	paid, err := api.V1PaymentIntents.Confirm(ctx, made.ID, &stripe.PaymentIntentConfirmParams{PaymentMethod: stripe.String("pm_card_visa")})
	if err != nil || paid.Status != stripe.PaymentIntentStatusSucceeded {
		return fmt.Errorf("confirmed %v", err)
	}
	read := &stripe.PaymentIntentRetrieveParams{}
	read.AddExpand("latest_charge.balance_transaction")
	seen, err := api.V1PaymentIntents.Retrieve(ctx, made.ID, read)
	if err != nil || !seen.LatestCharge.Captured {
		return fmt.Errorf("read %v", err)
	}
	params := pay()
	params.CaptureMethod = stripe.String("manual")
	held, err := api.V1PaymentIntents.Create(ctx, params)
	if err != nil {
		return err
	}
	taken, err := api.V1PaymentIntents.Capture(ctx, held.ID, &stripe.PaymentIntentCaptureParams{AmountToCapture: stripe.Int64(1000)})
	if err != nil {
		return err
	}
	open, err := api.V1PaymentIntents.Create(ctx, &stripe.PaymentIntentCreateParams{Amount: stripe.Int64(900), Currency: stripe.String("eur")})
	if err != nil {
		return err
	}
	gone, err := api.V1PaymentIntents.Cancel(ctx, open.ID, nil)
	if err != nil {
		return err
	}
	return that(taken.AmountReceived == 1000 && gone.Status == stripe.PaymentIntentStatusCanceled, "amounts")
}

func setups() error {
	made, err := api.V1SetupIntents.Create(ctx, &stripe.SetupIntentCreateParams{
		Confirm: stripe.Bool(true), PaymentMethod: stripe.String("pm_card_visa"), PaymentMethodTypes: stripe.StringSlice([]string{"card"}),
	})
	if err != nil {
		return err
	}
	return that(made.Status == stripe.SetupIntentStatusSucceeded, string(made.Status))
}

func refunds() error {
	paid, err := api.V1PaymentIntents.Create(ctx, pay())
	if err != nil {
		return err
	}
	part, err := api.V1Refunds.Create(ctx, &stripe.RefundCreateParams{PaymentIntent: stripe.String(paid.ID), Amount: stripe.Int64(250)})
	if err != nil {
		return err
	}
	return that(part.Status == stripe.RefundStatusSucceeded && part.Amount == 250, string(part.Status))
}

func disputes() error {
	params := pay()
	params.PaymentMethod = stripe.String("pm_card_createDispute")
	paid, err := api.V1PaymentIntents.Create(ctx, params)
	if err != nil {
		return err
	}
	if err = advance(2); err != nil {
		return err
	}
	for one, err := range api.V1Disputes.List(ctx, &stripe.DisputeListParams{PaymentIntent: stripe.String(paid.ID)}).All(ctx) {
		if err != nil {
			return err
		}
		evidence := &stripe.DisputeUpdateEvidenceParams{UncategorizedText: stripe.String("winning_evidence")}
		if _, err = api.V1Disputes.Update(ctx, one.ID, &stripe.DisputeUpdateParams{Evidence: evidence, Submit: stripe.Bool(true)}); err != nil {
			return err
		}
		if err = advance(2); err != nil {
			return err
		}
		won, err := api.V1Disputes.Retrieve(ctx, one.ID, nil)
		if err != nil {
			return err
		}
		return that(won.Status == stripe.DisputeStatusWon, string(won.Status))
	}
	return errors.New("no dispute")
}

func payouts() error {
	params := pay()
	params.Amount = stripe.Int64(100_000)
	params.PaymentMethod, params.CaptureMethod = stripe.String("pm_card_bypassPending"), stripe.String("automatic")
	if _, err := api.V1PaymentIntents.Create(ctx, params); err != nil {
		return err
	}
	byHand, err := api.V1Payouts.Create(ctx, &stripe.PayoutCreateParams{Amount: stripe.Int64(10), Currency: stripe.String("usd")})
	if err != nil {
		return err
	}
	automatic := &struct{ ID string }{}
	if err = control("payouts", map[string]any{"currency": "usd"}, automatic); err != nil {
		return err
	}
	seen, err := api.V1Payouts.Retrieve(ctx, automatic.ID, nil)
	if err != nil {
		return err
	}
	for line, err := range api.V1BalanceTransactions.List(ctx, &stripe.BalanceTransactionListParams{Payout: stripe.String(automatic.ID)}).All(ctx) {
		if err != nil {
			return err
		}
		return that(seen.Automatic && !byHand.Automatic && line.Type == stripe.BalanceTransactionTypePayout, string(line.Type))
	}
	return errors.New("no transactions")
}

func webhooks() error {
	type heard struct {
		body      []byte
		signature string
	}
	told := make(chan heard, 16)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer listener.Close()
	go http.Serve(listener, http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
		body, _ := io.ReadAll(request.Body)
		told <- heard{body, request.Header.Get("Stripe-Signature")}
	}))
	endpoint, err := api.V1WebhookEndpoints.Create(ctx, &stripe.WebhookEndpointCreateParams{
		URL: stripe.String("http://" + listener.Addr().String() + "/"), APIVersion: stripe.String(stripe.APIVersion),
		EnabledEvents: stripe.StringSlice([]string{"payment_intent.succeeded"}),
	})
	if err != nil {
		return err
	}
	defer api.V1WebhookEndpoints.Delete(ctx, endpoint.ID, nil)
	if _, err = api.V1PaymentIntents.Create(ctx, pay()); err != nil {
		return err
	}
	select {
	case one := <-told:
		// The clock of the sandbox has been moved, and the signature with it.
		event, err := webhook.ConstructEventIgnoringTolerance(one.body, one.signature, endpoint.Secret)
		if err != nil {
			return err
		}
		if _, err = webhook.ConstructEventIgnoringTolerance(one.body, one.signature, "whsec_other"); err == nil {
			return errors.New("a stranger's secret verifies")
		}
		return that(event.Type == "payment_intent.succeeded", string(event.Type))
	case <-time.After(10 * time.Second):
		return errors.New("nothing was heard")
	}
}

func standard() error {
	text, err := os.ReadFile(os.Args[2])
	if err != nil {
		return err
	}
	var signed []struct {
		Body     string
		Headers  map[string]string
		Secrets  []string
		Stranger string
	}
	if err = json.Unmarshal(text, &signed); err != nil {
		return err
	}
	for _, one := range signed {
		headers := http.Header{}
		for name, value := range one.Headers {
			headers.Set(name, value)
		}
		for _, secret := range append(one.Secrets, one.Stranger) {
			hook, err := standardwebhooks.NewWebhook(secret)
			if err != nil {
				return err
			}
			if err = hook.Verify([]byte(one.Body), headers); (err == nil) == (secret == one.Stranger) {
				return fmt.Errorf("%v", err)
			}
		}
	}
	return that(len(signed) > 0, "nothing to verify")
}

func main() {
	fmt.Printf("version %s %s\n", stripe.ClientVersion, stripe.APIVersion)
	check("customers", customers)
	check("payment methods", methods)
	check("payments", payments)
	check("setups", setups)
	check("refunds", refunds)
	check("disputes", disputes)
	check("payouts and balance", payouts)
	check("webhook signatures, in the version of the library", webhooks)
	declined := pay()
	declined.PaymentMethod = stripe.String("pm_card_visa_chargeDeclined")
	_, err := api.V1PaymentIntents.Create(ctx, declined)
	check("a decline is a card error", func() error { return raises(err, stripe.ErrorTypeCard, stripe.ErrorCodeCardDeclined) })
	_, err = api.V1Charges.Retrieve(ctx, "ch_nope", nil)
	check("what is missing is an invalid request", func() error {
		return raises(err, stripe.ErrorTypeInvalidRequest, stripe.ErrorCodeResourceMissing)
	})
	check("standard webhooks of a service, rotated twice", standard)
}
