// openapi-typescript's types with openapi-fetch: a request from its submission to a hold.
import createClient from "openapi-fetch";
import { randomBytes } from "node:crypto";
import type { components, paths } from "./types";
import { fresh, Member, plan, sha256, signed } from "./sign";

type Schemas = components["schemas"];

const clientOf = (member: Member) => {
  const client = createClient<paths>({ baseUrl: plan.address });
  client.use({ onRequest: ({ request }) => signed(request, member) });
  return client;
};

/** Returns what was answered, or fails with the problem document, whose type is known. */
function good<T>(answer: { data?: T; error?: Schemas["Problem"] }): T {
  if (answer.data === undefined) throw new Error(JSON.stringify(answer.error));
  return answer.data;
}

async function main(): Promise<void> {
  const document: Schemas["FreezeRequest"] = {
    nonce: randomBytes(16).toString("base64url"),
    incident: { title: "Cold wallet theft", kind: "hack", occurred_at: "2026-03-02T09:00:00Z" },
    urgency: "urgent",
    summary: "Proceeds of the theft.",
    to: [plan.asked.handle],
    addresses: [{ account: plan.account, asset: plan.asset, amount: "1000" }],
  };
  const analyst = clientOf(plan.analyst);
  const request = good(
    await analyst.POST("/v1/freeze-requests", { body: document, params: { header: fresh() } }),
  );
  const path = { request_id: request.id };
  const context = request.decision_context;
  if (context == null) throw new Error("the requester reads no decision context");

  good(
    await clientOf(plan.lead).POST("/v1/freeze-requests/{request_id}/approvals", {
      params: { path, header: fresh() },
      body: {
        content_sha256: request.content_sha256,
        decision: "approve",
        context_sha256: sha256(context),
      },
    }),
  );

  const asked = clientOf(plan.asked);
  const found: Schemas["FoundLine"] = { kind: "found", address_no: 0, asset: plan.asset, amount: "700" };
  const frozen: Schemas["FrozenLine"] = {
    kind: "frozen",
    address_no: 0,
    asset: plan.asset,
    amount: "700",
    frozen_at: new Date(plan.now * 1000).toISOString(),
    hold_expires_at: new Date((plan.now + 86400) * 1000).toISOString(),
  };
  const report = good(
    await asked.POST("/v1/freeze-requests/{request_id}/freeze-reports", {
      params: { path, header: fresh() },
      body: { content_sha256: request.content_sha256, lines: [found, frozen] },
    }),
  );
  const refused = await asked.POST("/v1/freeze-requests/{request_id}/freeze-reports", {
    params: { path, header: fresh() },
    body: { content_sha256: request.content_sha256, lines: [{ ...frozen, hold_expires_at: null }] },
  });
  const holds = good(
    await analyst.GET("/v1/freeze-requests/{request_id}/holds", { params: { path } }),
  );
  console.log(
    JSON.stringify({
      request: request.id,
      legs: report.leg.status,
      held: holds.items.map((hold) => hold.held),
      refused: refused.response.status,
      pointer: refused.error?.errors?.map((fault) => fault.pointer),
    }),
  );
}

void main();
