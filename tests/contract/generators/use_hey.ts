// @hey-api/openapi-ts: the same way with its functions, one for each operation.
import { randomBytes } from "node:crypto";
import { createClient } from "./hey/client";
import type { FoundLine, FreezeRequest, FrozenLine, Problem } from "./hey";
import { decideRequest, listHolds, reportFreezes, submitRequest } from "./hey";
import { fresh, Member, plan, sha256, signed } from "./sign";

const clientOf = (member: Member) => {
  const client = createClient({ baseUrl: plan.address });
  client.interceptors.request.use((request) => signed(request, member));
  return client;
};

function good<T>(answer: { data?: T; error?: Problem }): T {
  if (answer.data === undefined) throw new Error(JSON.stringify(answer.error));
  return answer.data;
}

async function main(): Promise<void> {
  const document: FreezeRequest = {
    nonce: randomBytes(16).toString("base64url"),
    incident: { title: "Cold wallet theft", kind: "hack", occurred_at: "2026-03-02T09:00:00Z" },
    urgency: "urgent",
    summary: "Proceeds of the theft.",
    to: [plan.asked.handle],
    addresses: [{ account: plan.account, asset: plan.asset, amount: "1000" }],
  };
  const client = clientOf(plan.analyst);
  const request = good(await submitRequest({ client, body: document, headers: fresh() }));
  const path = { request_id: request.id };
  const context = request.decision_context;
  if (context == null) throw new Error("the requester reads no decision context");

  good(
    await decideRequest({
      client: clientOf(plan.lead),
      path,
      headers: fresh(),
      body: {
        content_sha256: request.content_sha256,
        decision: "approve",
        context_sha256: sha256(context),
      },
    }),
  );

  const asked = clientOf(plan.asked);
  const found: FoundLine = { kind: "found", address_no: 0, asset: plan.asset, amount: "700" };
  const frozen: FrozenLine = {
    kind: "frozen",
    address_no: 0,
    asset: plan.asset,
    amount: "700",
    frozen_at: new Date(plan.now * 1000).toISOString(),
    hold_expires_at: new Date((plan.now + 86400) * 1000).toISOString(),
  };
  const lines = [found, frozen];
  const report = good(
    await reportFreezes({
      client: asked,
      path,
      headers: fresh(),
      body: { content_sha256: request.content_sha256, lines },
    }),
  );
  const refused = await reportFreezes({
    client: asked,
    path,
    headers: fresh(),
    body: { content_sha256: request.content_sha256, lines: [{ ...frozen, hold_expires_at: null }] },
  });
  const holds = good(await listHolds({ client, path }));
  console.log(
    JSON.stringify({
      request: request.id,
      legs: report.leg.status,
      held: holds.items.map((hold) => hold.held),
      refused: refused.response?.status,
      pointer: refused.error?.errors?.map((fault) => fault.pointer),
    }),
  );
}

void main();
