/** @type {import('jest').Config} */
export default {
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '<rootDir>/test/support/transform.js' },
  // Suites share one Postgres and the machine with it; more workers than this only wait for each other.
  maxWorkers: 2,
  // A cold start of Postgres and the sandbox on a busy machine; no promise of the service is measured by it.
  testTimeout: 30_000,
};
