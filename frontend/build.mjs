// Builds what the browser gets: frontend/ts/pages/*.ts and frontend/styles/{site.css,pages/*.css} to
// frontend/static/build/, each under a name that carries a hash of its content, and manifest.json from source name to
// built name ("pages/checkout.js", "site.css", "head.js", "icons.svg", fonts by their file names).
//
//   node build.mjs            once       --watch    again at every change       --tests    the tests, for `node --test`
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const root = dirname(fileURLToPath(import.meta.url));
const out = join(root, "static", "build");
const wanted = new Set(process.argv.slice(2));

/** Files under `folder` (relative to frontend/) whose name ends as asked; Node 20 has no fs.globSync. */
function files(folder, ending, deep = false) {
  const path = join(root, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { recursive: deep })
    .map((name) => join(path, String(name)))
    .filter((file) => file.endsWith(ending) && statSync(file).isFile())
    .sort();
}

const shared = {
  absWorkingDir: root,
  bundle: true,
  minify: true,
  sourcemap: true,
  metafile: true,
  target: ["es2022", "chrome109", "safari16", "firefox115"],
  loader: { ".woff2": "file" },
  assetNames: "fonts/[name]-[hash]",
  chunkNames: "chunks/[name]-[hash]",
  entryNames: "[dir]/[name]-[hash]",
  outdir: out,
  legalComments: "none",
  logLevel: "warning",
};

const pages = {
  ...shared,
  entryPoints: [...files("ts/pages", ".ts"), join(root, "styles/site.css"), ...files("styles/pages", ".css")],
  outbase: root,
  format: "esm",
  splitting: true,
};

// Runs before the first paint (theme, accent), so it must be a classic script that blocks.
const head = { ...shared, entryPoints: [join(root, "ts/head.ts")], outbase: root, format: "iife" };

/** "ts/pages/checkout.ts" -> "pages/checkout.js", "styles/site.css" -> "site.css": what templates ask for. */
function sourceName(entry) {
  return entry.replace(/^(ts|styles)\//, "").replace(/\.ts$/, ".js");
}

function manifestOf(metafiles) {
  const manifest = {};
  for (const { outputs } of metafiles) {
    for (const [file, made] of Object.entries(outputs)) {
      const name = relative(out, join(root, file));
      if (made.entryPoint) manifest[sourceName(made.entryPoint)] = name;
      else if (name.startsWith("fonts/")) manifest[`fonts/${basename(Object.keys(made.inputs)[0] ?? name)}`] = name;
    }
  }
  return manifest;
}

/** One sprite of the icons named in icons.json; pages refer to them with <use href="…#name">. */
function writeSprite() {
  const names = JSON.parse(readFileSync(join(root, "icons.json"), "utf8"));
  const symbols = names.map((name) => {
    const file = join(root, "node_modules/lucide-static/icons", `${name}.svg`);
    if (!existsSync(file)) throw new Error(`icons.json: lucide has no icon "${name}"`);
    const drawing = readFileSync(file, "utf8").replace(/^[\s\S]*?<svg[^>]*>/, "").replace(/<\/svg>\s*$/, "");
    return `<symbol id="${name}" viewBox="0 0 24 24">${drawing.replace(/\s+/g, " ").trim()}</symbol>`;
  });
  const sprite = `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>`;
  const name = `icons-${createHash("sha256").update(sprite).digest("hex").slice(0, 8).toUpperCase()}.svg`;
  writeFileSync(join(out, name), sprite);
  return name;
}

/** Pictures of our own, by name and hash. */
function copyImages() {
  return Object.fromEntries(
    files("images", ".svg").map((file) => {
      const [content, name] = [readFileSync(file), basename(file)];
      const built = name.replace(/\.svg$/, `-${createHash("sha256").update(content).digest("hex").slice(0, 8).toUpperCase()}.svg`);
      writeFileSync(join(out, built), content);
      return [name, built];
    }),
  );
}

function finish(metafiles) {
  const manifest = { ...manifestOf(metafiles), ...copyImages(), "icons.svg": writeSprite() };
  writeFileSync(join(out, "manifest.json"), `${JSON.stringify(manifest, null, 1)}\n`);
  sweep(metafiles, manifest);
}

/** Removes what earlier builds left. Dot files are others' (the stamp of the set-up). */
function sweep(metafiles, manifest) {
  const kept = new Set(["manifest.json", ...Object.values(manifest)]);
  for (const { outputs } of metafiles) for (const file of Object.keys(outputs)) kept.add(relative(out, join(root, file)));
  for (const name of readdirSync(out, { recursive: true })) {
    const file = join(out, String(name));
    if (!basename(file).startsWith(".") && statSync(file).isFile() && !kept.has(relative(out, file))) rmSync(file);
  }
}

async function buildOnce() {
  mkdirSync(out, { recursive: true });
  const made = await Promise.all([esbuild.build(pages), esbuild.build(head)]);
  finish(made.map((result) => result.metafile));
}

/** Rebuilds whenever a source changes; a mistake is shown and waited out. */
async function watch() {
  mkdirSync(out, { recursive: true });
  const latest = new Map();
  const telling = (name) => ({
    name: "placeur-manifest",
    setup(build) {
      build.onEnd(({ errors, metafile }) => {
        if (errors.length || !metafile) return;
        latest.set(name, metafile);
        if (latest.size < 2) return;
        finish([...latest.values()]);
        console.log(`${new Date().toLocaleTimeString()} built`);
      });
    },
  });
  for (const [name, options] of Object.entries({ pages, head })) {
    const context = await esbuild.context({ ...options, plugins: [telling(name)] });
    await context.watch();
  }
}

async function buildTests() {
  const folder = join(root, "node_modules/.cache/placeur-tests");
  rmSync(folder, { recursive: true, force: true });
  await esbuild.build({
    absWorkingDir: root,
    entryPoints: Object.fromEntries(
      files("tests", ".test.ts", true).map((file) => [relative(join(root, "tests"), file).replace(/[\\/]/g, "-").slice(0, -3), file]),
    ),
    bundle: true,
    platform: "node",
    format: "esm",
    outExtension: { ".js": ".mjs" },
    outdir: folder,
    sourcemap: "inline",
    define: { "import.meta.dirname": JSON.stringify(join(root, "tests")) },
    logLevel: "warning",
  });
}

try {
  if (wanted.has("--tests")) await buildTests();
  else if (wanted.has("--watch")) await watch();
  else await buildOnce();
} catch (problem) {
  // esbuild has already shown its own errors with their places.
  if (!problem.errors) console.error(problem.message);
  process.exitCode = 1;
}
