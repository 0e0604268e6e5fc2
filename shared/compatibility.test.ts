/** One version apart: an old worker with a new aggregator, and the reverse, as a rollout has them for minutes. */
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { describe, expect, it } from 'vitest';
import packageJson from '../package.json' with { type: 'json' };
import { arbitraryBeacon } from '../test/support/edge/arbitrary-beacon.ts';
import { forwarderCounters } from '../test/support/edge/beacon.ts';
import { PROTO, type ProtoMessage, protoCounters, protoEntry } from '../test/support/edge/proto.ts';
import { bytesOf, RELEASES } from '../test/support/edge/recorded-wire.ts';
import { decodeBatch, encodeCanary, encodeEntry, joinBatch } from './batch.ts';
import { decodeForwarderCounters, encodeForwarderCounters } from './forwarder-counters.ts';

type Fields = { [name: string]: unknown };

const HEADER = { slot: 3, epoch: 'epoch-1', accepted: 7, sentAtMs: 1_800_000_000_250 };

const arbitraryEntries = fc.array(
  fc.record({ receivedAtMs: fc.maxSafeNat(), colo: fc.constant('SIN'), beacon: arbitraryBeacon }),
  { minLength: 1, maxLength: 3 },
);

const arbitraryCounters = fc
  .record({
    accepted: fc.nat(),
    spooled: fc.nat(),
    inSpool: fc.nat(),
    overloadedCalls: fc.nat(),
    isFirst: fc.boolean(),
  })
  .map((counts) => forwarderCounters({ ...counts, rejected: { token_expired: 3 } }));

function read(root: protobuf.Root, name: ProtoMessage, bytes: Uint8Array): Fields {
  const type = root.lookupType(`edgepulse.v1.${name}`);
  return type.toObject(type.decode(bytes), { longs: Number });
}

/** Without what `type` has no field for, at any depth. */
function known(fields: Fields, type: protobuf.Type): Fields {
  const inner = (value: unknown, field: protobuf.Field): unknown => {
    if (Array.isArray(value)) return value.map((one) => inner(one, field));
    const isMessage = field.resolve().resolvedType instanceof protobuf.Type && !field.map;
    return isMessage ? known(value as Fields, field.resolvedType as protobuf.Type) : value;
  };
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) => {
      const field = type.fields[name];
      return field ? [[name, inner(value, field)]] : [];
    }),
  );
}

describe('a reader of this version', () => {
  it.each(RELEASES)('reads what $version put on NATS as that version did', ({ batches, counters }) => {
    for (const batch of batches) expect(decodeBatch(bytesOf(batch))).toEqual({ ok: true, value: batch.decoded });
    for (const message of counters) {
      // With what was added since as it is when nobody says it.
      expect(decodeForwarderCounters(bytesOf(message))).toMatchObject({ ok: true, value: message.decoded });
    }
  });

  it('skips what a later version adds to any message, whatever its type', () => {
    const later = protobuf.Root.fromJSON(PROTO.toJSON());
    const added: Fields = { number: 7, text: 'é', bits: 1.5, word: 3, more: { epoch: 'x' } };
    for (const type of messagesOf(later)) {
      type.add(new protobuf.Field('number', 200, 'uint64'));
      type.add(new protobuf.Field('text', 31, 'string'));
      type.add(new protobuf.Field('bits', 2_000, 'double'));
      type.add(new protobuf.Field('word', 30, 'fixed32'));
      type.add(new protobuf.Field('more', 29, 'ForwarderCounters'));
    }
    const withAdded = (fields: Fields): Fields => ({
      ...Object.fromEntries(
        Object.entries(fields).map(([name, value]) => [
          name,
          Array.isArray(value) ? value.map(addedTo) : name === 'rejected' ? value : addedTo(value),
        ]),
      ),
      ...added,
    });
    const addedTo = (value: unknown): unknown =>
      typeof value === 'object' && value !== null ? withAdded(value as Fields) : value;
    const encode = (name: ProtoMessage, fields: Fields): Uint8Array => {
      const type = later.lookupType(`edgepulse.v1.${name}`);
      return type.encode(type.fromObject(withAdded(fields))).finish();
    };
    fc.assert(
      fc.property(arbitraryEntries, arbitraryCounters, (entries, counters) => {
        const { sentAtMs: sent_at_ms, ...header } = HEADER;
        expect(decodeBatch(encode('Batch', { ...header, sent_at_ms, entries: entries.map(protoEntry) }))).toEqual({
          ok: true,
          value: { ...HEADER, entries, invalid: 0 },
        });
        expect(decodeForwarderCounters(encode('ForwarderCounters', protoCounters(counters)))).toEqual({
          ok: true,
          value: counters,
        });
      }),
    );
  });
});

describe.each(RELEASES)('$version', ({ root }) => {
  it('loses nothing that it knows of what this version writes', () => {
    fc.assert(
      fc.property(arbitraryEntries, arbitraryCounters, (entries, counters) => {
        const messages: [ProtoMessage, Uint8Array][] = [
          ['Batch', joinBatch(HEADER, entries.map(encodeEntry))],
          ['Batch', encodeCanary({ slot: 3, id: 'c', sentAtMs: 2 }, { sentAtMs: 1, signature: 's' })],
          ['ForwarderCounters', encodeForwarderCounters(counters)],
        ];
        for (const [name, bytes] of messages) {
          const type = root.lookupType(`edgepulse.v1.${name}`);
          expect(read(root, name, bytes)).toEqual(known(read(PROTO, name, bytes), type));
        }
      }),
    );
  });

  it('has no field or value of an enum that edgepulse.proto has changed since', () => {
    const changed: string[] = [];
    for (const old of messagesOf(root)) {
      const now = messagesOf(PROTO).find(({ name }) => name === old.name);
      for (const field of old.fieldsArray) {
        const same = now?.fieldsById[field.id];
        const isReserved = now?.isReservedId(field.id) === true;
        if (!isReserved && (same === undefined || shapeOf(same) !== shapeOf(field))) {
          changed.push(`${old.name}.${shapeOf(field)}: ${same ? shapeOf(same) : 'gone, and not reserved'}`);
        }
      }
      for (const [from, to] of (old.reserved ?? []).filter(Array.isArray)) {
        for (let id = from; id <= to; id++) if (!now?.isReservedId(id)) changed.push(`${old.name} reserved ${id}`);
      }
    }
    for (const old of enumsOf(root)) {
      const values = enumsOf(PROTO).find(({ name }) => name === old.name)?.values ?? {};
      for (const [name, number] of Object.entries(old.values)) {
        if (values[name] !== number) changed.push(`${old.name}.${name} = ${number}: ${values[name] ?? 'gone'}`);
      }
    }
    expect(changed).toEqual([]);
  });
});

it('has a recording of this version, so that the next one is held to it', () => {
  expect(RELEASES.map(({ version }) => version)).toContain(packageJson.version);
});

function messagesOf(root: protobuf.Root): protobuf.Type[] {
  return (root.lookup('edgepulse.v1') as protobuf.Namespace).nestedArray.filter((one) => one instanceof protobuf.Type);
}

function enumsOf(root: protobuf.Root): protobuf.Enum[] {
  return (root.lookup('edgepulse.v1') as protobuf.Namespace).nestedArray.filter((one) => one instanceof protobuf.Enum);
}

/** Number, name, type, and how often: what the wire or a reader of the text form depends on. */
function shapeOf(field: protobuf.Field): string {
  const often = field instanceof protobuf.MapField ? `map<${field.keyType}>` : field.repeated ? 'repeated' : '';
  const presence = field.options?.proto3_optional === true ? 'optional' : '';
  return [often, presence, field.type, field.name, '=', field.id].filter(Boolean).join(' ');
}
