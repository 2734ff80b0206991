import tseslint from 'typescript-eslint'

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', 'data/'] },
  ...tseslint.configs.recommended,
  {
    rules: {
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'Named exports only.' },
        { selector: 'TSEnumDeclaration', message: 'Use an `as const` table.' },
      ],
      'no-console': 'error',
      eqeqeq: 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Only main and config read the environment.' },
      ],
    },
  },
  // The pure core takes its clock, ids and randomness as arguments.
  {
    files: ['src/{terms,fhir,codec,translate,directory,referral,capacity}/**/*.ts'],
    rules: {
      'no-restricted-globals': ['error', 'setTimeout', 'setInterval', 'fetch', 'process'],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'Take `now` as an argument.' },
        { object: 'Math', property: 'random', message: 'Take ids and randomness as arguments.' },
      ],
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              group: [
                'node:fs',
                'node:fs/*',
                'node:net',
                'node:http',
                'node:https',
                'node:tls',
                'node:child_process',
                'pg',
                'express',
                'undici',
              ],
              message: 'The core is pure.',
            },
          ],
        },
      ],
    },
  },
  { files: ['src/config/**/*.ts', 'src/main/**/*.ts'], rules: { 'no-restricted-properties': 'off' } },
  {
    files: ['scripts/**', '*.js', '*.mjs', 'test/**', 'src/cli/**', 'src/simulate/**', 'src/main.ts'],
    rules: { 'no-console': 'off' },
  },
  { files: ['*.js', '*.mjs'], rules: { 'no-restricted-syntax': 'off' } },
)
