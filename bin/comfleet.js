#!/usr/bin/env node
// Runs comfleet from src where it is (a clone), else from dist (the package). Plain JavaScript of any age, so that an
// old Node gets a sentence and not a syntax error.
'use strict';

var needed = [22, 13];
var found = process.versions.node.split('.').map(Number);

function give(lines) {
  process.stderr.write(lines.join('\n') + '\n');
  process.exit(2);
}

if (found[0] < needed[0] || (found[0] === needed[0] && found[1] < needed[1])) {
  give([
    'comfleet needs Node ' + needed.join('.') + ' or newer; this is Node ' + process.versions.node + '.',
    'In a clone: run "npm ci", which brings Node 24 for npm scripts, then "npm start". If it was run with --ignore-scripts,',
    'Node 24 was left out: run "npm rebuild node", or "npm ci" without that flag.',
    'Elsewhere: install Node 24 from https://nodejs.org, or with a version manager such as "nvm install 24".',
  ]);
}

// node:sqlite and type stripping announce themselves as experimental on Node 22; the project's tests run on it.
var emitWarning = process.emitWarning.bind(process);
process.emitWarning = function (warning, options) {
  var type = typeof options === 'string' ? options : options && options.type;
  if (type !== 'ExperimentalWarning') emitWarning.apply(null, arguments);
};
if (found[0] < 24) {
  // Workers are threads of their own; they and the supervisor only listen to the environment.
  process.env.NODE_NO_WARNINGS = '1';
}

// Node keeps what it made of the sources, types stripped and compiled, in the clone: later starts take about six tenths of the time.
// The variable is for threads and the supervisor. Where the folder cannot be written, nothing is kept.
function keepCompiled() {
  return Promise.all([import('node:module'), import('node:url')]).then(function (modules) {
    var folder = modules[1].fileURLToPath(new URL('../node_modules/.cache/comfleet/', import.meta.url));
    process.env.NODE_COMPILE_CACHE = process.env.NODE_COMPILE_CACHE || folder;
    if (modules[0].enableCompileCache) modules[0].enableCompileCache(process.env.NODE_COMPILE_CACHE);
  });
}

import('node:fs')
  .then(function (fs) {
    var source = new URL('../src/cli/main.ts', import.meta.url);
    var built = new URL('../dist/src/cli/main.js', import.meta.url);
    if (fs.existsSync(source) && process.features.typescript) {
      return keepCompiled().then(function () {
        return import(source.href);
      });
    }
    if (fs.existsSync(built)) return import(built.href);
    return give([
      'Node ' + process.versions.node + ' does not run TypeScript as it is, and there is no dist folder.',
      'Use Node 24 ("npm start" in a clone does, after "npm ci"), or build once: node_modules/.bin/tsc -p tsconfig.build.json',
    ]);
  })
  .then(function (cli) {
    return cli.run();
  })
  .catch(function (error) {
    // What `run` does not report itself: a file that cannot be loaded.
    process.stderr.write((error && error.stack ? error.stack : String(error)) + '\n');
    process.exit(1);
  });
