export default {
  testEnvironment: "node",
  testMatch: ["<rootDir>/test/**/*.test.ts"],
  extensionsToTreatAsEsm: [".ts"],
  transform: { "\\.ts$": "<rootDir>/scripts/strip-types.cjs" },
  coverageProvider: "v8",
  collectCoverageFrom: ["src/**/*.ts", "!src/gen/**"],
  restoreMocks: true,
  // Real processes on a small, busy machine.
  testTimeout: 30_000,
};
