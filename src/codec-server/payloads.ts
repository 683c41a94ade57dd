import type { Payload } from '@temporalio/common';
import { z } from 'zod';
import type { EncryptionCodec } from '../crypto/payload-codec.ts';
import { isEncrypted } from '../crypto/payload-codec.ts';
import { isLockkeeperError } from '../errors.ts';

/** Says in the metadata of a payload that came back as it was why it could not be decoded. */
export const DECODE_ERROR = 'lockkeeper-decode-error';

/** A payload in the JSON form of protobuf: bytes are base64. What else it has is none of our business and goes back. */
const payloadJson = z.looseObject({
  metadata: z.record(z.string(), z.string()).nullish(),
  data: z.string().nullish(),
});
export const payloadsJson = z.object({ payloads: z.array(payloadJson) });
export type PayloadJson = z.output<typeof payloadJson>;

export interface Decoded {
  readonly payloads: readonly PayloadJson[];
  /** Why some of them came back as they were, by error code. */
  readonly failed: readonly string[];
}

/**
 * Each by itself: one that cannot be decoded comes back as it was, with the reason in its metadata, and those beside it are
 * readable all the same. In its place, and not as words of ours: whoever copies it copies what was there.
 */
export async function decodeEach(codec: EncryptionCodec, payloads: readonly PayloadJson[]): Promise<Decoded> {
  const failed: string[] = [];
  const decoded = await Promise.all(
    payloads.map(async (json) => {
      const payload = fromJson(json);
      if (!isEncrypted(payload)) return json;
      try {
        const [plain] = await codec.decode([payload]);
        return toJson(plain!);
      } catch (error) {
        const [code, reason] = isLockkeeperError(error)
          ? [error.code, `${error.code}: ${error.message}`]
          : // Its seal was whole, and what was in it is no payload.
            (['SEAL_BROKEN', 'SEAL_BROKEN: what was encrypted is not a payload'] as const);
        failed.push(code);
        return { ...json, metadata: { ...json.metadata, [DECODE_ERROR]: base64(Buffer.from(reason)) } };
      }
    }),
  );
  return { payloads: decoded, failed };
}

export async function encodeAll(codec: EncryptionCodec, payloads: readonly PayloadJson[]): Promise<PayloadJson[]> {
  const encoded = await codec.encode(payloads.map(fromJson));
  return encoded.map(toJson);
}

function fromJson({ metadata, data }: PayloadJson): Payload {
  const bytes = Object.entries(metadata ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64')] as const);
  return { metadata: Object.fromEntries(bytes), data: Buffer.from(data ?? '', 'base64') };
}

function toJson({ metadata, data }: Payload): PayloadJson {
  const text = Object.entries(metadata ?? {}).map(([key, value]) => [key, base64(value)] as const);
  return { metadata: Object.fromEntries(text), data: base64(data ?? new Uint8Array()) };
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
