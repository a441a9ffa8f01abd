/** Each field that Stripe's page of its search names, by each way that it may be compared. */
import { describe, expect, test } from '@jest/globals';
import { CHARGE, startSandbox } from './support.ts';

const sandbox = await startSandbox();
const { stripe } = sandbox;

const search = async (kind: string, query: string): Promise<string[] | string> => {
  const { json } = await sandbox.raw('GET', `/v1/${kind}/search?${new URLSearchParams({ query }).toString()}`);
  return json.error?.message ?? json.data.map(({ metadata }: { metadata: { is?: string } }) => metadata.is).reverse();
};

const buyer = await stripe.customers.create({
  ...{ email: 'Amy.Lee@shop.test', name: 'Amy Lee Stone', phone: '+4912345' },
  metadata: { is: 'amy', Tier: 'Gold' },
});
await stripe.customers.create({ email: 'bo@shop.test', name: 'Bo Lee', metadata: { is: 'bo' } });

const pay = async (is: string, params: object = {}) => {
  const paid = await stripe.paymentIntents.create({ ...CHARGE, metadata: { is, Note: `say "${is}"` }, ...params });
  return String(paid.latest_charge);
};
const visa = await pay('visa', { customer: buyer.id });
const partly = await pay('partly', { amount: 5000, currency: 'eur', payment_method: 'pm_card_br' });
const wholly = await pay('wholly', { payment_method: 'pm_card_mastercard' });
await pay('disputed', { payment_method: 'pm_card_createDispute' });
const zip = await pay('zip', {
  payment_method: undefined,
  payment_method_data: {
    ...{ type: 'card', card: { token: 'tok_visa' } },
    billing_details: { address: { postal_code: 'AB1 2CD' } },
  },
});
await stripe.refunds.create({ charge: partly, amount: 1 });
await stripe.refunds.create({ charge: wholly });
await sandbox.advance(2);
const { created } = await stripe.charges.retrieve(visa);
const { fingerprint } = (await stripe.charges.retrieve(zip)).payment_method_details!.card!;

describe('a search of charges', () => {
  const ALL = ['visa', 'partly', 'wholly', 'disputed', 'zip'];
  test.each([
    ['amount>1250', ['partly']],
    ['amount>="5000"', ['partly']],
    ['amount:1250 amount<1251 amount<=1250', ['visa', 'wholly', 'disputed', 'zip']],
    ['billing_details.address.postal_code:"ab1 2cd"', ['zip']],
    [`created>=${created}`, ALL],
    [`created<${created}`, []],
    ['currency:"EUR"', ['partly']],
    ['-currency:"usd"', ['partly']],
    [`customer:"${buyer.id}"`, ['visa']],
    ['-customer:NULL', ['visa']],
    ['disputed:"true"', ['disputed']],
    ['disputed:"false" AND refunded:null', ['visa', 'zip']],
    ['metadata["is"]:"ZIP"', ['zip']],
    ["metadata['is']:'zip' or metadata['is']:'visa'", ['visa', 'zip']],
    ['metadata["Note"]:"say \\"zip\\""', ['zip']],
    ['-metadata["is"]:null', ALL],
    ['metadata["none"]:Null', ALL],
    ['payment_method_details.card.last4:4242', ['visa', 'zip']],
    ['payment_method_details.card.last4:0002', ['partly']],
    ['payment_method_details.card.last4:"0002"', ['partly']],
    ['payment_method_details.card.last4:2', []],
    ['payment_method_details.card.brand:"Mastercard"', ['wholly']],
    ['payment_method_details.card.exp_month:12', ALL],
    ['payment_method_details.card.exp_year:"2034"', ALL],
    [`payment_method_details.card.fingerprint:"${fingerprint ?? ''}"`, ['visa', 'zip']],
    ['payment_method_details.card_present.exp_month:12', []],
    ['refunded:"true"', ['wholly']],
    ['refunded:"false"', ['partly']],
    ['refunded:null', ['visa', 'disputed', 'zip']],
    ['-refunded:null', ['partly', 'wholly']],
    ['status:"SUCCEEDED"', ALL],
  ])('%s', async (query, found) => {
    expect(await search('charges', query)).toEqual(found);
  });
});

describe('a search of customers', () => {
  test.each([
    ['email:"AMY.lee@shop.test"', ['amy']],
    ['email~"shop"', ['amy', 'bo']],
    ['email~"MY.LEE"', ['amy']],
    ['name:"lee stone"', ['amy']],
    ['name:"lee"', ['amy', 'bo']],
    ['name:"stone lee"', []],
    ['name:"Le"', []],
    ['name~"ston"', ['amy']],
    ['phone:"+4912345"', ['amy']],
    ['phone:null', ['bo']],
    ['metadata["Tier"]:"gold"', ['amy']],
    ['created>1', ['amy', 'bo']],
  ])('%s', async (query, found) => {
    expect(await search('customers', query)).toEqual(found);
  });
});

describe('a search of payment intents', () => {
  test.each([
    ['amount>1250 AND currency:"eur"', ['partly']],
    [`customer:"${buyer.id}" status:"succeeded"`, ['visa']],
    ['created>1 -metadata["is"]:"zip"', ['visa', 'partly', 'wholly', 'disputed']],
  ])('%s', async (query, found) => {
    expect(await search('payment_intents', query)).toEqual(found);
  });
});

test.each([
  ['charges', 'currency>"usd"', 'Operator `>` is not supported for field `currency`'],
  ['charges', 'status~"succ"', 'Operator `~` is not supported for field `status`'],
  ['charges', 'amount~"125"', 'Operator `~` is not supported for field `amount`'],
  ['charges', 'metadata["is"]~"vis"', 'Operator `~` is not supported for field `metadata`'],
  ['charges', 'amount:"many"', 'is numeric'],
  ['charges', 'amount=1250', 'We were unable to parse your search query'],
  ['charges', 'currency:usd', 'We were unable to parse your search query'],
  ['charges', 'disputed:"maybe"', 'is "true" or "false"'],
  ['charges', 'email:"a@b.c"', 'Field `email` is an unsupported search field for resource `charges`'],
  ['customers', 'email~"my"', 'at least 3 characters'],
  ['customers', 'name>"a"', 'Operator `>` is not supported'],
  ['customers', 'phone:4912345', 'Quotes must stand around'],
  ['payment_intents', 'amount>1 AND amount<9 OR amount>100', 'cannot combine AND and OR'],
])('a search of %s for %s is refused', async (kind, query, why) => {
  expect(await search(kind, query)).toContain(why);
});
