// One jest project a ring, so that a failing test names its ring. `npm test` runs them in this order.
const base = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        swcrc: false,
        jsc: {
          target: 'es2023',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
          keepClassNames: true,
        },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  modulePathIgnorePatterns: ['<rootDir>/dist', '<rootDir>/embedded/mongodb/dist', '<rootDir>/.holdfast'],
};

const ring = (displayName, testMatch, extra = {}) => ({ ...base, displayName, testMatch, ...extra });

export default {
  // A start of a process takes longer than jest's five seconds where the machine is busy.
  testTimeout: 60_000,
  projects: [
    ring('unit', [
      '<rootDir>/{src,cli,bench}/**/*.spec.ts',
      '<rootDir>/embedded/{temporal,stack}/**/*.spec.ts',
    ]),
    ring('embedded', ['<rootDir>/embedded/mongodb/src/**/*.spec.ts']),
    ring('lint', ['<rootDir>/test/lint/**/*.test.ts']),
    ring('replay', ['<rootDir>/test/replay/**/*.test.ts']),
    ring('integration', ['<rootDir>/test/integration/**/*.test.ts']),
    ring('conformance', ['<rootDir>/test/conformance/**/*.test.ts']),
    ring('crash', ['<rootDir>/test/crash/**/*.test.ts']),
    // Takes minutes a test, so it is not part of `npm test`: `npm run acceptance`.
    ring('acceptance', ['<rootDir>/test/acceptance/**/*.test.ts']),
  ],
};
