import { jest } from '@jest/globals';

// A machine that CI shares may stand still for seconds. A test that fails there is reported, and tried once more; at
// home it fails at once.
if (process.env.CI) jest.retryTimes(1, { logErrorsBeforeRetry: true });
