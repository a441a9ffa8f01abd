import { err, ok, type Result } from 'neverthrow';
import type { Stripe } from 'stripe';
import { API_VERSION, canRender, isVersion } from './events.ts';
import { badParam, badVersion, type Failure, resourceMissing } from './failure.ts';
import { newId, newSecret } from './ids.ts';
import { mergeMetadata } from './params.ts';
import { find, type Scope } from './scope.ts';
import type { Store } from './store.ts';

export interface EndpointParams {
  readonly url?: string | undefined;
  readonly enabled_events?: readonly string[] | undefined;
  readonly description?: string | null | undefined;
  readonly disabled?: boolean | undefined;
  readonly api_version?: string | undefined;
  readonly metadata?: Record<string, string> | null | undefined;
}

/**
 * Registers an endpoint; its secret is shown this once. Its events are told in the words of its version, where the sandbox
 * can: it says so where it cannot.
 */
export const createEndpoint = (
  scope: Scope,
  params: EndpointParams & { readonly url: string; readonly enabled_events: readonly string[] },
): Result<Stripe.WebhookEndpoint, Failure> => {
  const { api_version: version } = params;
  if (version !== undefined && !isVersion(version)) return err(badVersion(version, 'api_version'));
  if (version !== undefined && !canRender(version)) {
    return err(
      badParam(
        `The sandbox tells events in the words of 2025-03-31.basil to ${API_VERSION}, and not of ${version}.`,
        'api_version',
        'sandbox_leaves_out',
      ),
    );
  }
  return ok(addEndpoint(scope, params, newSecret('whsec_', 32)));
};

const addEndpoint = (
  scope: Scope,
  params: EndpointParams & { readonly url: string; readonly enabled_events: readonly string[] },
  secret: string,
): Stripe.WebhookEndpoint => {
  const endpoint = {
    id: newId('we_'),
    object: 'webhook_endpoint',
    api_version: params.api_version ?? null,
    application: null,
    created: scope.clock.nowS(),
    description: params.description ?? null,
    enabled_events: [...params.enabled_events],
    livemode: false,
    metadata: mergeMetadata({}, params.metadata),
    status: 'enabled',
    url: params.url,
  } satisfies Stripe.WebhookEndpoint;
  scope.store.put(endpoint, secret);
  return { ...endpoint, secret };
};

/** The endpoint that the environment names: all events, at that address, signed with that secret, however often it starts. */
export const ensureEndpoint = (scope: Scope, url: string, secret: string): void => {
  const held = liveEndpoints(scope.store).find((endpoint) => endpoint.url === url);
  if (held === undefined) addEndpoint(scope, { url, enabled_events: ['*'] }, secret);
  else scope.store.hide(held.id, secret);
};

export const liveEndpoints = (store: Store): Stripe.WebhookEndpoint[] =>
  store
    .list({ kind: 'webhook_endpoint', where: [], limit: 100 })
    .filter((endpoint): endpoint is Stripe.WebhookEndpoint => endpoint.deleted !== true);

export const updateEndpoint = (
  scope: Scope,
  id: string,
  params: EndpointParams,
): Result<Stripe.WebhookEndpoint, Failure> =>
  findEndpoint(scope, id).map((endpoint) => {
    const updated: Stripe.WebhookEndpoint = {
      ...endpoint,
      description: params.description === undefined ? endpoint.description : params.description,
      enabled_events: params.enabled_events === undefined ? endpoint.enabled_events : [...params.enabled_events],
      metadata: mergeMetadata(endpoint.metadata, params.metadata),
      status: params.disabled === undefined ? endpoint.status : params.disabled ? 'disabled' : 'enabled',
      url: params.url ?? endpoint.url,
    };
    scope.store.put(updated);
    return updated;
  });

export const deleteEndpoint = (scope: Scope, id: string): Result<Stripe.DeletedWebhookEndpoint, Failure> =>
  findEndpoint(scope, id).map(() => {
    const deleted = { id, object: 'webhook_endpoint', deleted: true } satisfies Stripe.DeletedWebhookEndpoint;
    scope.store.put(deleted);
    return deleted;
  });

export const findEndpoint = (scope: Scope, id: string): Result<Stripe.WebhookEndpoint, Failure> =>
  find(scope, 'webhook_endpoint', id).andThen((endpoint) =>
    endpoint.deleted === true ? err(resourceMissing(404, 'webhook_endpoint', id, 'id')) : ok(endpoint),
  );
