/** Helmet's headers: the same for every reply, so they are asked for once. */
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import helmet from 'helmet';

const collect = (): readonly string[] => {
  const request = new IncomingMessage(new Socket());
  const response = new ServerResponse(request);
  helmet()(request, response, () => undefined);
  return Object.entries(response.getHeaders()).flatMap(([name, value]) => [name, String(value)]);
};

/** Name, value, name, value: as `writeHead` takes them without copying. */
export const SECURITY_HEADERS: readonly string[] = collect();
