import { createServer, request as httpRequest } from 'node:http';
import { type AddressInfo, connect } from 'node:net';

/** A proxy that serves a server below a prefix, which it takes off, as people have them. */
export function prefixed(prefix: string, target: string): Promise<{ url: string; close(): void }> {
  const { hostname, port } = new URL(target);
  const strip = (url = '') => {
    const path = url.startsWith(prefix) ? url.slice(prefix.length) : undefined;
    return path === '' || path?.startsWith('?') ? `/${path}` : path;
  };
  const proxy = createServer((request, response) => {
    const path = strip(request.url);
    if (path === undefined) return response.writeHead(404).end();
    const { method, headers } = request;
    const onwards = httpRequest({ hostname, port, path, method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onwards.on('error', () => response.destroy());
    response.on('close', () => onwards.destroy());
    request.pipe(onwards);
  });
  proxy.on('upgrade', (request, socket, head) => {
    const onwards = connect(Number(port), hostname, () => {
      const headers = request.rawHeaders.reduce(
        (text, each, index) => text + each + (index % 2 ? '\r\n' : ': '),
        '',
      );
      onwards.write(`GET ${strip(request.url)} HTTP/1.1\r\n${headers}\r\n`);
      onwards.write(head);
      onwards.pipe(socket).pipe(onwards);
    });
    for (const each of [onwards, socket])
      each.on('error', () => [onwards, socket].map((s) => s.destroy()));
  });
  return new Promise((resolve) => {
    proxy.listen(0, '127.0.0.1', () => {
      const close = () => {
        proxy.close();
        proxy.closeAllConnections();
      };
      resolve({ url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, close });
    });
  });
}
