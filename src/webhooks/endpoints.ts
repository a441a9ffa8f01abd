/** Where merchants want to be told of events. */
import { ok, type Result, type ResultAsync } from 'neverthrow';
import type { Context } from '../context.ts';
import { newId, type EndpointId, type MerchantId } from '../domain/ids.ts';
import { pageView } from '../domain/reply.ts';
import { plusMs } from '../domain/time.ts';
import type { ListError, StorageCode } from '../domain/refusals.ts';
import type { DeletedEndpointView, EndpointView, EndpointWithSecretView, ListView } from '../domain/views.ts';
import { paymentError, type PaymentError } from '../error.ts';
import type { Page } from '../storage/pages.ts';
import type { EndpointChange, NewEndpoint } from '../storage/webhook-endpoints.ts';
import { checkUrl } from './address.ts';
import { newSecret } from './sign.ts';
import { endpointView, endpointWithSecretView } from './view.ts';

/** As many as Stripe allows. Each costs a delivery for each event. */
const ENDPOINTS_MAX = 16;
/** How long a secret still signs once it has been replaced: time to bring the new one to every receiver. */
const ROTATION_MS = 24 * 3600 * 1000;

export type CreateEndpoint = Pick<NewEndpoint, 'url' | 'description' | 'enabledEvents'>;

const urlError = (message: string): PaymentError<'invalid_request'> =>
  paymentError('invalid_request', { param: 'url', message: `url: ${message}` });

/** Answers the endpoint with its secret. Errors: `invalid_request` of its URL, `webhook_endpoint_limit`, `database_unavailable`. */
export const createEndpoint = (
  ctx: Pick<Context, 'webhooks' | 'isDemo' | 'clock'>,
  merchant: MerchantId,
  wanted: CreateEndpoint,
): ResultAsync<EndpointWithSecretView, PaymentError<'invalid_request' | 'webhook_endpoint_limit' | StorageCode>> => {
  const secret = newSecret();
  return checkUrl(wanted.url, ctx.isDemo)
    .mapErr(urlError)
    .asyncAndThen((url) => {
      const createdAt = ctx.clock.now();
      const endpoint = { ...wanted, merchant, url: url.href, id: newId('we', createdAt), secret, createdAt };
      return ctx.webhooks.createEndpoint(endpoint, ENDPOINTS_MAX);
    })
    .map((endpoint) => endpointWithSecretView(endpoint, secret));
};

/** Errors: `webhook_endpoint_not_found`, `database_unavailable`. */
export const readEndpoint = (
  ctx: Pick<Context, 'webhooks'>,
  merchant: MerchantId,
  id: EndpointId,
): ResultAsync<EndpointView, PaymentError<'webhook_endpoint_not_found' | StorageCode>> =>
  ctx.webhooks.endpoint(merchant, id).map(endpointView);

/** Errors: `invalid_request` for a cursor that is not there, `database_unavailable`. */
export const listEndpoints = (
  ctx: Pick<Context, 'webhooks'>,
  merchant: MerchantId,
  page: Page<EndpointId>,
): ResultAsync<ListView<EndpointView>, ListError> =>
  ctx.webhooks.listEndpoints(merchant, page).map(pageView('/v1/webhook_endpoints', endpointView));

/** Errors: `invalid_request` of its URL, `webhook_endpoint_not_found`, `database_unavailable`. */
export const updateEndpoint = (
  ctx: Pick<Context, 'webhooks' | 'isDemo'>,
  merchant: MerchantId,
  id: EndpointId,
  change: EndpointChange,
): ResultAsync<EndpointView, PaymentError<'invalid_request' | 'webhook_endpoint_not_found' | StorageCode>> => {
  const checked: Result<string | undefined, string> =
    change.url === undefined ? ok(undefined) : checkUrl(change.url, ctx.isDemo).map(({ href }) => href);
  return checked
    .mapErr(urlError)
    .asyncAndThen((url) => ctx.webhooks.updateEndpoint(merchant, id, { ...change, url }))
    .map(endpointView);
};

/** Errors: `webhook_endpoint_not_found`, `database_unavailable`. */
export const deleteEndpoint = (
  ctx: Pick<Context, 'webhooks'>,
  merchant: MerchantId,
  id: EndpointId,
): ResultAsync<DeletedEndpointView, PaymentError<'webhook_endpoint_not_found' | StorageCode>> =>
  ctx.webhooks.deleteEndpoint(merchant, id).map(() => ({ id, object: 'webhook_endpoint', deleted: true }));

/**
 * Answers the endpoint with its new secret; each older one signs beside it for 24 hours after it was replaced. Errors:
 * those of reading it, and `webhook_secret_limit`, which says when there is room for another.
 */
export const rotateSecret = (
  ctx: Pick<Context, 'webhooks' | 'clock'>,
  merchant: MerchantId,
  id: EndpointId,
): ResultAsync<
  EndpointWithSecretView,
  PaymentError<'webhook_endpoint_not_found' | 'webhook_secret_limit' | StorageCode>
> => {
  const secret = newSecret();
  const now = ctx.clock.now();
  return ctx.webhooks
    .rotateSecret(merchant, id, secret, { now, until: plusMs(now, ROTATION_MS) })
    .map((endpoint) => endpointWithSecretView(endpoint, secret));
};
