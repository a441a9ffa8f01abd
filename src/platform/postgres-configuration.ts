/** What the embedded Postgres is told: sized for a laptop, on which other things run. */
import { totalmem } from 'node:os';

/**
 * A sixteenth of the memory there is, from 128 to 512 MB: 512 MB on a machine of 8 GB or more. A page that is not there is
 * fetched from the system, which keeps it in what memory is free. Who has more to keep in mind than that has a Postgres
 * of their own, and DATABASE_URL.
 */
const sharedBuffersMb = (): number => {
  const limit = process.constrainedMemory();
  const bytes = limit > 0 ? Math.min(limit, totalmem()) : totalmem();
  return Math.round(Math.min(512, Math.max(128, bytes / 16 / 2 ** 20)));
};

/** Its own default. */
const CONNECTIONS_MIN = 100;
/** Beside the service's: tools, a person's psql, and the three that Postgres keeps for its superuser. */
const CONNECTIONS_BESIDE = 20;

/** Below the cluster; a file for each day of the week, begun anew when that day comes again. */
export const LOG_FOLDER = 'log';

/**
 * Loopback alone, on every system: a Unix socket was measured to be no faster, and has a limit on the length of its path.
 * The first change of a page after a checkpoint writes the whole page to the log, so that among millions of accounts a
 * debit takes 10 KB of log and not 1. A checkpoint begins when the log has grown by so much: with 1 GB, its own default,
 * at full load one would begin as soon as another has ended. Errors are told in a line, without the row or the statement
 * that they were about: a row holds client secrets. The rest are its own defaults.
 */
export const configuration = (port: number, connections: number): string => `\
# Written at each start of the service: changes made here are lost.
listen_addresses = '127.0.0.1'
port = ${port}
unix_socket_directories = ''
max_connections = ${Math.max(CONNECTIONS_MIN, connections + CONNECTIONS_BESIDE)}
shared_buffers = ${sharedBuffersMb()}MB
fsync = on
synchronous_commit = on
full_page_writes = on
wal_level = replica
max_wal_size = 4GB
checkpoint_timeout = 15min
timezone = 'UTC'
log_timezone = 'UTC'
logging_collector = on
log_directory = '${LOG_FOLDER}'
log_filename = 'postgresql-%a.log'
log_rotation_age = 1d
log_rotation_size = 0
log_truncate_on_rotation = on
log_min_messages = warning
log_min_error_statement = panic
log_error_verbosity = terse
log_line_prefix = '%m [%p] '
password_encryption = 'scram-sha-256'
`;
