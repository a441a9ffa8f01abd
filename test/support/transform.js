// Jest runs the sources as Node itself does: types are replaced by spaces, so that every line and column
// in a stack trace is the source's own and no source map is needed.
import { createHash } from 'node:crypto';
import { stripTypeScriptTypes } from 'node:module';

export default {
  process: (source) => ({ code: stripTypeScriptTypes(source, { mode: 'strip' }) }),
  getCacheKey: (source, path) => createHash('sha256').update(`${process.version} ${path}\n${source}`).digest('hex'),
};
