/** The HTTP API (docs/api.md) with its refusals as values one can show: `ApiProblem.detail` is for people, localised. */
import { t } from "./i18n";

export interface FieldError {
  field: string;
  message: string;
}

export class ApiProblem extends Error {
  constructor(
    readonly code: string,
    readonly title: string,
    readonly detail: string,
    readonly status: number,
    readonly extras: Record<string, unknown> = {},
  ) {
    super(detail);
  }

  /** Extras that are lists of numbers: `seats`, `nearest`. */
  numbers(name: string): number[] {
    const value = this.extras[name];
    return Array.isArray(value) ? value.filter((n): n is number => typeof n === "number") : [];
  }

  get errors(): FieldError[] {
    return Array.isArray(this.extras["errors"]) ? (this.extras["errors"] as FieldError[]) : [];
  }
}

const PATIENCE_MS = 20_000;

/** Asks the API. Throws ApiProblem for every answer that is not a success, and for none (code "offline"). */
export async function ask<T>(method: string, path: string, body?: unknown, options: { key?: string } = {}): Promise<T> {
  const headers: Record<string, string> = { accept: "application/json" };
  if (body !== undefined) headers["content-type"] = "application/json";
  if (options.key) headers["idempotency-key"] = options.key;
  let response: Response;
  try {
    response = await fetch(`/api/v1${path}`, {
      method,
      headers,
      credentials: "same-origin",
      cache: "no-store",
      signal: AbortSignal.timeout(PATIENCE_MS),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch {
    throw new ApiProblem("offline", t("No connection"), t("We cannot reach the box office. Please check your connection and try again."), 0);
  }
  const answer = await readAnswer(response);
  if (!response.ok) throw problemOf(response.status, answer);
  return answer as T;
}

async function readAnswer(response: Response): Promise<unknown> {
  const text = await response.text();
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

export function problemOf(status: number, answer: unknown): ApiProblem {
  const told = (typeof answer === "object" && answer !== null ? answer : {}) as Record<string, unknown>;
  const text = (name: string, otherwise: string): string => (typeof told[name] === "string" ? told[name] : otherwise);
  return new ApiProblem(
    text("code", `http_${status}`),
    text("title", t("Something went wrong")),
    text("detail", t("The box office did not understand. Please try again in a moment.")),
    status,
    told,
  );
}

export function asProblem(problem: unknown): ApiProblem {
  if (problem instanceof ApiProblem) return problem;
  // A mistake of ours: a person is told kindly, the console keeps its place.
  console.error(problem);
  return new ApiProblem("internal", t("Something went wrong"), t("Something went wrong on this page. Please reload it."), 0);
}

/** A key that makes repeating a write harmless. */
export function newKey(): string {
  return crypto.randomUUID?.() ?? [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");
}
