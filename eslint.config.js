// @ts-check
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';
import { noDroppedResult } from './scripts/lint/no-dropped-result.ts';

const RULE = '@typescript-eslint/no-restricted-imports';

const PARTS = [
  ...[
    'domain',
    'storage',
    'stripe',
    'payments',
    'ledger',
    'webhooks',
    'jobs',
    'http',
    'console',
    'monitor',
    'platform',
    'sandbox',
  ],
  ...['contract', 'pages', 'client', 'demo'],
  ...['context', 'error', 'error-table', 'config', 'log', 'clocks', 'parts', 'watch', 'server', 'service', 'main'],
];
/**
 * The direction of imports: http → payments, ledger → storage, stripe → domain → error.
 * For each part of src/: which other parts it may import, which it may import types from, and which of the guarded
 * packages. `context` and `error` stand for the files src/context.ts and src/error.ts, and so on.
 * @type {Record<string, { parts?: string[], types?: string[], packages?: string[], packageTypes?: string[] }>}
 */
const DIRECTION = {
  'error.ts': { parts: ['error-table'] },
  'error-table.ts': { types: ['error'] },
  domain: { parts: ['error'] },
  storage: { parts: ['domain', 'error', 'log'], packages: ['kysely', 'pg'] },
  stripe: { parts: ['domain', 'error', 'log'], packages: ['stripe', 'cockatiel'] },
  payments: { parts: ['domain', 'error', 'ledger'], types: ['context', 'storage', 'stripe'] },
  ledger: { parts: ['domain', 'error'], types: ['context', 'storage', 'stripe'] },
  webhooks: { parts: ['domain', 'error'], types: ['context', 'storage'] },
  jobs: { parts: ['payments', 'webhooks', 'monitor', 'domain', 'error'], types: ['context', 'storage', 'clocks'] },
  http: {
    parts: ['payments', 'ledger', 'webhooks', 'domain', 'error', 'pages'],
    types: ['context', 'storage', 'stripe', 'monitor', 'log', 'config'],
    packages: ['express'],
  },
  console: {
    parts: ['http', 'payments', 'ledger', 'webhooks', 'domain', 'error', 'pages'],
    types: ['context', 'storage', 'monitor'],
    packages: ['express'],
  },
  monitor: { parts: ['domain', 'error'], types: ['config', 'log'], packages: ['express'] },
  contract: { parts: ['http', 'domain', 'error', 'pages', 'stripe', 'config'] },
  pages: {},
  client: {},
  demo: { parts: ['domain', 'error', 'storage'] },
  platform: { types: ['config', 'log'] },
  sandbox: { parts: ['domain', 'log', 'pages'], packages: ['express'], packageTypes: ['stripe'] },
  'context.ts': { types: ['clocks', 'storage', 'stripe', 'domain', 'error', 'monitor', 'log', 'config'] },
  'config.ts': { parts: ['storage'] },
  'clocks.ts': { parts: ['domain', 'error'], types: ['monitor', 'storage'] },
  'parts.ts': { parts: PARTS },
  'watch.ts': { parts: PARTS },
  'server.ts': { parts: PARTS, packages: ['express'] },
  'service.ts': { parts: PARTS },
  'main.ts': { parts: PARTS },
  'log.ts': { types: ['config'] },
};

const PACKAGES = ['express', 'kysely', 'pg', 'stripe', 'cockatiel'];

/** A part of src/ as it is written in an import: `../storage/x.ts` in a folder, `./error.ts` in src/ itself. */
const partRegex = (/** @type {string} */ way) => (/** @type {string[]} */ names) =>
  `^${way}(${names.join('|')})(\\.ts$|/)`;
const FROM_FOLDER = '(\\.\\./)+';
const FROM_ROOT = '\\./';
const packageRegex = (/** @type {string[]} */ names) => `^(${names.join('|')})($|/)`;

/** Two patterns: what may not be imported at all, and what only as a type. */
const restrict = (
  /** @type {(names: string[]) => string} */ regex,
  /** @type {string[]} */ names,
  /** @type {string[]} */ typesOnly,
  /** @type {string} */ message,
) =>
  [
    {
      allowTypeImports: false,
      names: names.filter((name) => !typesOnly.includes(name)),
      message: `not from here: ${message}`,
    },
    { allowTypeImports: true, names: typesOnly, message: `only its types from here: ${message}` },
  ]
    .filter((pattern) => pattern.names.length > 0)
    .map((pattern) => ({ ...pattern, names: undefined, regex: regex(pattern.names) }))
    .map(({ regex, message, allowTypeImports }) => ({ regex, message, allowTypeImports }));

const PURE = {
  regex: '^(?!\\.|decimal\\.js$|neverthrow$|node:crypto$|node:assert/strict$)',
  message: 'domain knows decimal.js, neverthrow, node:crypto, node:assert and src/error.ts.',
};

const direction = Object.entries(DIRECTION).map(
  ([part, { parts = [], types = [], packages = [], packageTypes = [] }]) => {
    const isFile = part.endsWith('.ts');
    const itself = part.replace('.ts', '');
    const others = PARTS.filter((name) => name !== itself && !parts.includes(name));
    const guarded = PACKAGES.filter((name) => !packages.includes(name));
    return {
      name: `direction/${part}`,
      files: [isFile ? `src/${part}` : `src/${part}/**/*.ts`],
      rules: {
        [RULE]: [
          'error',
          {
            patterns: [
              ...restrict(
                partRegex(isFile ? FROM_ROOT : FROM_FOLDER),
                others,
                types,
                'http → payments, ledger → storage, stripe → domain → error.',
              ),
              ...(part === 'domain' ? [PURE] : []),
              ...restrict(packageRegex, guarded, packageTypes, 'each outside package has one place that knows it.'),
            ],
          },
        ],
      },
    };
  },
);

/** Adapters wrap a library that throws, once; the others hand errors on as values. */
const ADAPTERS = ['storage', 'stripe', 'platform', 'sandbox', 'monitor'].map((part) => `src/${part}/**`);

export default defineConfig(
  { ignores: ['.data/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { quittance: { rules: { 'no-dropped-result': noDroppedResult } } },
    rules: {
      'quittance/no-dropped-result': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: false }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      // `isolatedDeclarations` asks for annotations that these two would call needless.
      '@typescript-eslint/no-inferrable-types': 'off',
      '@typescript-eslint/no-unnecessary-type-arguments': 'off',
      // Numbers read well in a template; a boolean or a null in one is a mistake.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // neverthrow's safeTry takes a generator that need not yield, and `async` marks what answers a Promise.
      'require-yield': 'off',
      '@typescript-eslint/require-await': 'off',
      // A ResultAsync is a thenable on purpose, and the rule of our own looks after it.
      '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
      // It has no way to allow strings, of whose letters and digits the code points are what is meant.
      '@typescript-eslint/no-misused-spread': 'off',
      // Express lays an interface over Node's classes: its requests are such instances all the same.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      eqeqeq: 'error',
      'no-restricted-properties': [
        'error',
        ...['_unsafeUnwrap', '_unsafeUnwrapErr'].map((property) => ({ property, message: 'Handle both cases.' })),
      ],
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ADAPTERS,
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: 'ThrowStatement',
          message: 'Errors are values: return err(…). A library that throws is wrapped in its adapter.',
        },
      ],
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: { 'no-console': 'error' },
  },
  direction,
  {
    files: ['test/**/*.ts', 'scripts/**/*.ts'],
    rules: {
      // Properties of fast-check and hooks of Jest are handed around as they are.
      '@typescript-eslint/unbound-method': 'off',
      // A reply is read as what it should be, and the expectation fails where it is not.
      ...Object.fromEntries(
        ['argument', 'assignment', 'call', 'member-access', 'return'].map((what) => [
          `@typescript-eslint/no-unsafe-${what}`,
          'off',
        ]),
      ),
      '@typescript-eslint/no-base-to-string': 'off',
      'no-restricted-properties': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/explicit-module-boundary-types': 'off',
    },
  },
);
