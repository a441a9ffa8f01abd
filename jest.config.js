/** @type {import('jest').Config} */
export default {
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testEnvironment: '<rootDir>/test/support/environment.js',
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
  setupFilesAfterEnv: ['<rootDir>/test/support/retry.js'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '<rootDir>/test/support/transform.js' },
  // Suites share one Postgres and the machine with it; more workers than this only wait for each other.
  maxWorkers: 2,
  // What a suite left open has failed it already (test/support/environment.js), and must not hang the run as well.
  forceExit: true,
  // A cold start of Postgres and the sandbox on a busy machine; no promise of the service is measured by it.
  testTimeout: 120_000,
};
