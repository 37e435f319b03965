export default {
  testEnvironment: "node",
  testMatch: ["<rootDir>/test/**/*.test.ts"],
  extensionsToTreatAsEsm: [".ts"],
  transform: { "\\.ts$": "<rootDir>/scripts/strip-types.cjs" },
  coverageProvider: "v8",
  collectCoverageFrom: ["src/**/*.ts", "!src/gen/**"],
  restoreMocks: true,
};
