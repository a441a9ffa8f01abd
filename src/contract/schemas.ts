/** From zod's schemas to JSON Schema, in the dialect of OpenAPI 3.1, with a name for each thing that has one. */
import { z } from 'zod';
import * as gives from '../http/replies.ts';
import type { Route } from '../http/route.ts';

export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** Things that are shown in more than one place, or that a program wants to name. */
const NAMED = {
  Error: gives.error,
  Customer: gives.customer,
  Payment: gives.payment,
  PaymentMethod: gives.paymentMethod,
  DetachedPaymentMethod: gives.detachedMethod,
  Setup: gives.setup,
  Refund: gives.refund,
  Dispute: gives.dispute,
  Timeline: gives.timeline,
  Item: gives.item,
  Transfer: gives.transfer,
  BulkTransfer: gives.bulk,
  Quote: gives.quote,
  Balance: gives.balance,
  Balances: gives.balances,
  Account: gives.account,
  TrialBalance: gives.trialBalance,
  WebhookEndpoint: gives.endpoint,
  WebhookEndpointWithSecret: gives.endpointWithSecret,
  DeletedWebhookEndpoint: gives.deletedEndpoint,
  Event: gives.event,
  Delivery: gives.delivery,
  Contradiction: gives.contradiction,
} satisfies Record<string, z.ZodType>;

const REF = '#/components/schemas/';
const capital = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);

/** What is checked in words of our own says in `.meta` what it is: a test looks that no field takes anything at all. */
const unrepresentable = 'any';

/** What a schema says in `.meta` goes into the document as it stands; zod's own pattern for a time is a page long. */
const override: z.core.ToJSONSchemaParams['override'] = ({ zodSchema, jsonSchema }) => {
  const { id: _, ...said } = z.globalRegistry.get(zodSchema) ?? {};
  Object.assign(jsonSchema, said);
  if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
};

const withoutDialect = ({ $schema: _, $id: _id, ...schema }: JsonSchema): JsonSchema => schema;

export interface Described {
  /** What every name stands for. */
  readonly components: Readonly<Record<string, JsonSchema>>;
  readonly replyOf: (route: Route) => JsonSchema;
  readonly bodyOf: (route: Route) => JsonSchema | undefined;
  /** The fields of a path or of a query string, each with its schema. */
  readonly fieldsOf: (schema: z.ZodType) => readonly Field[];
}

export interface Field {
  readonly name: string;
  readonly required: boolean;
  readonly schema: JsonSchema;
}

/** The schemas of a table of routes. What a route takes is named for the route: `CreatePaymentBody`. */
export const describe = (routes: readonly Route[]): Described => {
  const names = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(NAMED)) names.add(schema, { id });
  for (const { name, reply } of routes) if (!names.has(reply[1])) names.add(reply[1], { id: `${capital(name)}Reply` });
  const shown = z.toJSONSchema(names, { uri: (id) => REF + id, override }).schemas;

  const taken = (schema: z.ZodType): JsonSchema =>
    withoutDialect(z.toJSONSchema(schema, { io: 'input', unrepresentable, override }));
  const bodies = routes.flatMap(({ name, schemas }) =>
    schemas.body ? [[`${capital(name)}Body`, taken(schemas.body)] as const] : [],
  );

  return {
    components: {
      ...Object.fromEntries(Object.entries(shown).map(([id, schema]) => [id, withoutDialect(schema)])),
      ...Object.fromEntries(bodies),
    },
    replyOf: ({ reply }) => ({ $ref: REF + (names.get(reply[1])?.id ?? '') }),
    bodyOf: ({ name, schemas }) => (schemas.body ? { $ref: `${REF}${capital(name)}Body` } : undefined),
    fieldsOf: (schema) => {
      const { properties = {}, required = [] } = taken(schema);
      return Object.entries(properties).flatMap(([name, field]) =>
        typeof field === 'boolean' ? [] : [{ name, required: required.includes(name), schema: field }],
      );
    },
  };
};
