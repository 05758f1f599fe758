// Signs requests as docs/protocol.md says, with nothing but node's own modules.
import { createHash, createPrivateKey, randomUUID, sign } from "node:crypto";
import { readFileSync } from "node:fs";

export interface Member {
  handle: string;
  subject: string;
  kid: string;
  alg: "EdDSA" | "ES256";
  pem: string;
}

export interface Plan {
  /** Where the coordinator listens. */
  address: string;
  /** The origin that tokens are made for. */
  origin: string;
  /** Seconds since 1970 on its clock. */
  now: number;
  analyst: Member;
  lead: Member;
  asked: Member;
  account: string;
  asset: string;
}

export const plan: Plan = JSON.parse(readFileSync(process.argv[2], "utf8"));

export const sha256 = (data: string | Uint8Array): string => createHash("sha256").update(data).digest("hex");

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** Returns the request with its token, for which its method, URL and body are final. */
export async function signed(request: Request, member: Member): Promise<Request> {
  const body = new Uint8Array(await request.clone().arrayBuffer());
  const { pathname, search } = new URL(request.url);
  const header = { alg: member.alg, kid: member.kid, typ: "holdfast-request+jwt" };
  const claims = {
    iss: member.handle,
    sub: member.subject,
    aud: plan.origin,
    iat: plan.now,
    exp: plan.now + 60,
    jti: randomUUID(),
    htm: request.method,
    htu: plan.origin + pathname + search,
    body_sha256: sha256(body),
  };
  const input = `${base64url(header)}.${base64url(claims)}`;
  const key = createPrivateKey(member.pem);
  const signature =
    member.alg === "EdDSA"
      ? sign(null, Buffer.from(input), key)
      : sign("sha256", Buffer.from(input), { key, dsaEncoding: "ieee-p1363" });
  request.headers.set("Authorization", `Bearer ${input}.${signature.toString("base64url")}`);
  return request;
}

export const fresh = (): { "Idempotency-Key": string } => ({ "Idempotency-Key": randomUUID() });
