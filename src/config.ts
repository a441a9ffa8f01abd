/** The environment, read once at the start. Everything that can be set stands in this one table. */
import { randomBytes } from 'node:crypto';
import { err, ok, type Result } from 'neverthrow';
import { z } from 'zod';
import { parseHosts } from './storage/hosts.ts';

export interface Config {
  readonly host: string;
  readonly port: number;
  readonly opsPort: number;
  /** Where the embedded Postgres and the sandbox keep what is theirs, and what belongs to this machine. */
  readonly dataDir: string;
  readonly database: { readonly kind: 'embedded' } | { readonly kind: 'url'; readonly url: string };
  /** `auto`: each start brings the schema to this version. `check`: it only looks whether it can run on it. */
  readonly migrate: 'auto' | 'check';
  readonly pool: {
    readonly isPrepared: boolean;
    readonly min: number;
    readonly max: number;
    readonly acquireTimeoutMs: number;
  };
  readonly stripe: {
    /** `sandbox`: one is started beside the service. */
    readonly kind: 'sandbox' | 'stripe';
    readonly secretKey: string;
    /** Where it is not Stripe's own, or the sandbox's. */
    readonly apiBase: string | undefined;
    /** Stripe's own, for the checkout page; undefined for a sandbox, whose test cards need none. */
    readonly publishableKey: string | undefined;
    /** All are tried: there are two while one replaces the other. */
    readonly webhookSecrets: readonly string[];
    /** What payments may be made with. */
    readonly methodTypes: readonly (typeof METHOD_TYPES)[number][];
  };
  readonly sandboxPort: number;
  readonly workers: number;
  /** Origins of browsers that may call the publishable routes. */
  readonly corsOrigins: '*' | readonly string[];
  /** Requests a second that one merchant may send with the keys of one role. */
  readonly rateLimitPerS: number;
  /** How long what is no money is kept. */
  readonly retention: { readonly keyDays: number; readonly eventDays: number };
  readonly logLevel: LogLevel;
  /** Where lines and alerts lead; the ops port's own where it is unset. */
  readonly runbookUrl: string | undefined;
  readonly consoleUrl: string | undefined;
  readonly stalls: {
    readonly metricMs: number;
    readonly warnMs: number;
    readonly errorMs: number;
    readonly fatalMs: number;
  };
  /**
   * The fixed keys of the demo merchant open the service: only where neither database nor Stripe is a real one, and only
   * this machine can call it.
   */
  readonly demoKeys: boolean;
}

export type LogLevel = (typeof LOG_LEVELS)[number];
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** As Stripe calls them. */
const METHOD_TYPES = ['card', 'sepa_debit'] as const;

/** The sandbox takes any test key; these two are the same everywhere and open nothing else. */
const SANDBOX_SECRET_KEY = 'sk_test_sandbox';
const SANDBOX_WEBHOOK_SECRET = 'whsec_sandbox';

/** One variable, as a person reads it. */
export interface Variable {
  readonly meaning: string;
  /** Completes "NAME takes …". */
  readonly takes: string;
  /** As it would be written in the environment; none where being unset has a meaning of its own. */
  readonly fallback?: string;
  /** Never repeated in a message. */
  readonly secret?: true;
}

/** Being unset is what `fallback` says, or undefined. */
const variable = <S extends z.ZodType<unknown, string>>(
  schema: S,
  about: Variable & { fallback: string },
): z.ZodPrefault<S> => schema.prefault(about.fallback as z.input<S>).meta({ ...about });
const optional = <S extends z.ZodType<unknown, string>>(schema: S, about: Variable): z.ZodOptional<S> =>
  schema.optional().meta({ ...about });

const integer = (min: number, max: number): z.ZodType<number, string> =>
  z
    .string()
    .regex(/^\d{1,9}$/)
    .transform(Number)
    .refine((value) => value >= min && value <= max);
const list = z.string().transform((text) => text.split(',').map((part) => part.trim()));
const port = integer(0, 65_535);
const PORT_TAKES = 'a port from 0 to 65535, where 0 is any that is free';
/** An hour: longer than any pause that is still called one. */
const MS_MAX = 3_600_000;
const MS_TAKES = `whole milliseconds from 1 to ${MS_MAX}`;
const ms = integer(1, MS_MAX);

/** Ten years, which is for ever here. */
const DAYS_MAX = 3_650;

/** More processes than this share no one machine well. */
const WORKERS_MAX = 64;

const Environment = z.object({
  PORT: variable(port, { fallback: '3000', takes: PORT_TAKES, meaning: 'Where the API listens.' }),
  HOST: variable(z.string().regex(/^[\w.:-]{1,253}$/), {
    fallback: '127.0.0.1',
    takes: 'a host name or an IP address',
    meaning: 'The address that the API and the ops port listen on; 0.0.0.0 is every one of this machine.',
  }),
  OPS_PORT: variable(port, {
    fallback: '3001',
    takes: PORT_TAKES,
    meaning: 'Health, metrics and stalls; answered off the main thread.',
  }),
  DATABASE_URL: optional(
    z.string().refine((url) => parseHosts(url).isOk()),
    {
      takes: 'a URL that starts with postgres:// or postgresql://, and may name several hosts with commas between them',
      meaning:
        'Any Postgres 15 or newer; of several hosts the one that takes writes is used. Unset, an embedded one is started.',
      secret: true,
    },
  ),
  MIGRATE: optional(z.enum(['auto', 'check']), {
    takes: 'auto or check',
    meaning:
      'Whether a start brings the schema to this version, or only looks at it and leaves that to "npm run migrate". Unset: check where DATABASE_URL is set, auto for the embedded one.',
  }),
  DB_PREPARE: variable(z.enum(['on', 'off']), {
    fallback: 'on',
    takes: 'on or off',
    meaning: 'Whether statements are prepared; off behind PgBouncer before 1.21 in transaction mode.',
  }),
  DATA_DIR: variable(z.string().max(1000), {
    fallback: '.data',
    takes: 'a path of at most 1000 characters',
    meaning: 'Where the embedded Postgres and the sandbox keep their data.',
  }),
  STRIPE_SECRET_KEY: optional(z.string().regex(/^(sandbox|[sr]k_(test|live)_\w{1,250})$/), {
    takes: 'a key that starts with sk_test_, sk_live_, rk_test_ or rk_live_, or the word sandbox',
    meaning: 'A live or test key; unset, or "sandbox", a sandbox is started. Must be set where DATABASE_URL is.',
    secret: true,
  }),
  STRIPE_API_BASE: optional(z.url({ protocol: /^https?$/ }).refine(isWithoutPath), {
    takes: 'a URL that starts with http:// or https:// and has no path',
    meaning: "Another Stripe-compatible endpoint than Stripe's own, or the sandbox's.",
  }),
  STRIPE_PUBLISHABLE_KEY: optional(z.string().regex(/^pk_(test|live)_\w{1,250}$/), {
    takes: 'a key that starts with pk_test_ or pk_live_',
    meaning: 'For the checkout page where Stripe is the real one: it loads Stripe.js. The sandbox needs none.',
  }),
  STRIPE_WEBHOOK_SECRET: optional(
    list.refine((all) => all.length <= 2 && all.every((one) => /^whsec_\w{1,250}$/.test(one))),
    {
      takes: 'one secret that starts with whsec_, or two with a comma between them',
      meaning: "Verifies POST /webhooks/stripe; two while rotating. Unset, the sandbox's own.",
      secret: true,
    },
  ),
  PAYMENT_METHOD_TYPES: variable(
    list.pipe(z.array(z.enum(METHOD_TYPES)).refine((all) => all.includes('card') && new Set(all).size === all.length)),
    {
      fallback: 'card',
      takes: 'card, or card,sepa_debit',
      meaning:
        'What customers may pay with. SEPA Direct Debit takes up to 14 business days, in eur alone, and may be returned by the bank after that.',
    },
  ),
  DB_POOL_MIN: variable(integer(0, 1000), {
    fallback: '2',
    takes: 'a whole number from 0 to 1000, not above DB_POOL_MAX',
    meaning: 'Connections to the database that are kept open.',
  }),
  DB_POOL_MAX: variable(integer(1, 1000), {
    fallback: '10',
    takes: 'a whole number from 1 to 1000',
    meaning:
      'Connections to the database at most, beside two in each process; more than a few for each core only wait.',
  }),
  DB_ACQUIRE_TIMEOUT_MS: variable(ms, {
    fallback: '3000',
    takes: MS_TAKES,
    meaning: 'How long a request waits for a connection before it is answered with 503.',
  }),
  WORKERS: variable(integer(1, WORKERS_MAX), {
    fallback: '1',
    takes: `a whole number from 1 to ${WORKERS_MAX}`,
    meaning: 'Processes that share the port, each with a pool of its own; as many as cores serve most.',
  }),
  CORS_ORIGINS: variable(
    list.refine((all) => all.every((one) => one === '*' || isOrigin(one))),
    {
      fallback: '*',
      takes: '* or origins such as https://shop.example, with commas between them',
      meaning: 'Who may call the publishable routes from a browser.',
    },
  ),
  RATE_LIMIT_PER_S: variable(integer(1, 1_000_000), {
    fallback: '20000',
    takes: 'a whole number from 1 to 1000000',
    meaning:
      'Requests a second that one merchant may send with keys of one role; more are answered with 429. ' +
      'Of several WORKERS, each lets its part of them in.',
  }),
  // Stripe keeps its own for a day.
  IDEMPOTENCY_KEY_DAYS: variable(integer(1, DAYS_MAX), {
    fallback: '30',
    takes: `whole days from 1 to ${DAYS_MAX}`,
    meaning: 'How long a settled idempotency key is replayed; after that it counts as new.',
  }),
  // Stripe's list goes back 30 days: what is forgotten sooner would be read there again.
  EVENT_DAYS: variable(integer(31, DAYS_MAX), {
    fallback: '180',
    takes: `whole days from 31 to ${DAYS_MAX}`,
    meaning: 'How long events and their deliveries are kept: longer than a charge can be disputed.',
  }),
  SANDBOX_PORT: variable(port, { fallback: '3002', takes: PORT_TAKES, meaning: 'Where the sandbox listens.' }),
  LOG_LEVEL: variable(z.enum(LOG_LEVELS), {
    fallback: 'info',
    takes: `one of ${LOG_LEVELS.join(', ')}`,
    meaning: 'The least important log line that is written.',
  }),
  RUNBOOK_URL: optional(
    z.url({ protocol: /^https?$/ }).transform((text) => text.replace(/#.*$/, '')),
    {
      takes: 'a URL that starts with http:// or https://',
      meaning: "Where log lines and alerts lead, with #heading; unset, the ops port's own /runbook.",
    },
  ),
  CONSOLE_URL: optional(
    z.url({ protocol: /^https?$/ }).transform((text) => text.replace(/\/+$/, '')),
    {
      takes: 'a URL that starts with http:// or https://',
      meaning: "Where the live page's links to a payment lead, with /payments/ID; unset, the console of this process.",
    },
  ),
  STALL_METRIC_MS: variable(ms, {
    fallback: '50',
    takes: MS_TAKES,
    meaning: 'An event loop that lags this long is counted; each of these four is above the one before it.',
  }),
  STALL_WARN_MS: variable(ms, { fallback: '100', takes: MS_TAKES, meaning: 'A lag that is logged as a warning.' }),
  STALL_ERROR_MS: variable(ms, { fallback: '500', takes: MS_TAKES, meaning: 'A lag that is logged as an error.' }),
  STALL_FATAL_MS: variable(ms, { fallback: '5000', takes: MS_TAKES, meaning: 'A lag that is logged as fatal.' }),
});
type Environment = z.output<typeof Environment>;

/** Stripe's library knows host and port alone: a path would be dropped in silence, and every payment be sent elsewhere. */
function isWithoutPath(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { pathname, search, hash, username } = new URL(text);
  return `${pathname}${search}${hash}${username}` === '/';
}

const isOrigin = (text: string): boolean => URL.canParse(text) && new URL(text).origin === text;

/** Every variable by its name, in the order in which they are explained. */
export const VARIABLES: ReadonlyMap<string, Variable> = new Map(
  Object.entries(Environment.shape).map(([name, schema]) => [name, schema.meta() as unknown as Variable]),
);

/** The configuration that an environment asks for. An empty variable is an unset one. The error is one line. */
export const loadConfig = (env: Readonly<Record<string, string | undefined>>): Result<Config, string> => {
  const given = Object.fromEntries([...VARIABLES.keys()].map((name) => [name, env[name]?.trim() || undefined]));
  const parsed = Environment.safeParse(given);
  if (!parsed.success) {
    const name = String(parsed.error.issues[0]?.path[0]);
    const about = VARIABLES.get(name);
    const got = about?.secret ? 'something else' : JSON.stringify(given[name]);
    return err(`${name} takes ${about?.takes ?? 'another value'}; it is ${got}.`);
  }
  return contradictionIn(parsed.data).map(() => asConfig(parsed.data));
};

/** What each variable cannot see by itself. */
const contradictionIn = (env: Environment): Result<void, string> => {
  if (env.DATABASE_URL !== undefined && env.STRIPE_SECRET_KEY === undefined) {
    return err(
      'STRIPE_SECRET_KEY must be set where DATABASE_URL is, so that nobody takes pretended money by forgetting it; ' +
        'it is unset. Set it to a key of Stripe, or to "sandbox".',
    );
  }
  if (env.DB_POOL_MIN > env.DB_POOL_MAX) {
    return err(
      `DB_POOL_MIN takes a number not above DB_POOL_MAX, which is ${env.DB_POOL_MAX}; it is ${env.DB_POOL_MIN}.`,
    );
  }
  const tiers = ['STALL_METRIC_MS', 'STALL_WARN_MS', 'STALL_ERROR_MS', 'STALL_FATAL_MS'] as const;
  for (const [i, name] of tiers.entries()) {
    const below = tiers[i - 1];
    if (below && env[name] <= env[below]) {
      return err(`${name} takes a number above ${below}, which is ${env[below]}; it is ${env[name]}.`);
    }
  }
  const ports = ['PORT', 'OPS_PORT', 'SANDBOX_PORT'] as const;
  for (const [i, name] of ports.entries()) {
    const other = ports.slice(0, i).find((earlier) => env[earlier] === env[name] && env[name] !== 0);
    if (other) return err(`${name} takes another port than ${other}; both are ${env[name]}.`);
  }
  return ok();
};

const asConfig = (env: Environment): Config => {
  const isSandbox = env.STRIPE_SECRET_KEY === undefined || env.STRIPE_SECRET_KEY === 'sandbox';
  const isDemo =
    env.DATABASE_URL === undefined && isSandbox && isOnThisMachine(env.STRIPE_API_BASE) && isLoopback(env.HOST);
  // The published one opens a demo alone; a sandbox tells its own when it is registered with.
  const sandboxSecret = isDemo ? SANDBOX_WEBHOOK_SECRET : `whsec_${randomBytes(24).toString('hex')}`;
  return {
    host: env.HOST,
    port: env.PORT,
    opsPort: env.OPS_PORT,
    dataDir: env.DATA_DIR,
    database: env.DATABASE_URL === undefined ? { kind: 'embedded' } : { kind: 'url', url: env.DATABASE_URL },
    migrate: env.MIGRATE ?? (env.DATABASE_URL === undefined ? 'auto' : 'check'),
    pool: {
      isPrepared: env.DB_PREPARE === 'on',
      min: env.DB_POOL_MIN,
      max: env.DB_POOL_MAX,
      acquireTimeoutMs: env.DB_ACQUIRE_TIMEOUT_MS,
    },
    stripe: {
      kind: isSandbox ? 'sandbox' : 'stripe',
      secretKey: isSandbox ? SANDBOX_SECRET_KEY : (env.STRIPE_SECRET_KEY ?? ''),
      apiBase: env.STRIPE_API_BASE,
      publishableKey: isSandbox ? undefined : env.STRIPE_PUBLISHABLE_KEY,
      methodTypes: env.PAYMENT_METHOD_TYPES,
      webhookSecrets: env.STRIPE_WEBHOOK_SECRET ?? (isSandbox ? [sandboxSecret] : []),
    },
    sandboxPort: env.SANDBOX_PORT,
    workers: env.WORKERS,
    corsOrigins: env.CORS_ORIGINS.includes('*') ? '*' : env.CORS_ORIGINS,
    rateLimitPerS: env.RATE_LIMIT_PER_S,
    retention: { keyDays: env.IDEMPOTENCY_KEY_DAYS, eventDays: env.EVENT_DAYS },
    logLevel: env.LOG_LEVEL,
    runbookUrl: env.RUNBOOK_URL,
    consoleUrl: env.CONSOLE_URL,
    stalls: {
      metricMs: env.STALL_METRIC_MS,
      warnMs: env.STALL_WARN_MS,
      errorMs: env.STALL_ERROR_MS,
      fatalMs: env.STALL_FATAL_MS,
    },
    demoKeys: isDemo,
  };
};

/** A proxy before the sandbox is still the sandbox; an endpoint elsewhere is not. */
const isOnThisMachine = (url: string | undefined): boolean => url === undefined || isLoopback(new URL(url).hostname);

/** Only this machine can come to it. */
const isLoopback = (host: string): boolean =>
  ['localhost', '::1', '[::1]'].includes(host) || /^127(?:\.\d{1,3}){3}$/.test(host);
