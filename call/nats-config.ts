/**
 * nats-server's configuration for the call page: rooms are an account of their own, which browsers reach through a
 * WebSocket listener; beacons are another. Neither can name a subject of the other, as in docs/security.md.
 */
import { randomUUID } from 'node:crypto';

/** @param origins of the pages that may open a WebSocket, for example `http://127.0.0.1:8788` */
export function natsConfig(origins: readonly string[]): string {
  // Nobody logs in with these: who names no user is given the listener's own. A browser must not become the other user.
  const [beacons, rooms] = [randomUUID(), randomUUID()];
  return `accounts {
  EDGEPULSE {
    jetstream: enabled
    users = [{ user: edgepulse, password: "${beacons}", allowed_connection_types: ["STANDARD"] }]
  }
  ROOMS {
    users = [
      { user: rooms, password: "${rooms}", allowed_connection_types: ["WEBSOCKET"], permissions: {
          publish: ["room.*.*"], subscribe: ["room.*.*"] } }
    ]
  }
}
no_auth_user: edgepulse
websocket {
  listen: "127.0.0.1:-1"
  no_tls: true
  no_auth_user: rooms
  allowed_origins: ${JSON.stringify(origins)}
}
`;
}
