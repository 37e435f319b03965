// Jest transformer: removes types the way Node itself does, so that tests run what ships.
const { stripTypeScriptTypes } = require("node:module");
module.exports = { process: (source) => ({ code: stripTypeScriptTypes(source) }) };
