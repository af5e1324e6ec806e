// Rules that graphql-schema-linter lacks. It loads them with `require`, hence CommonJS, and
// knows each by the name of its function.
const { ValidationError } = require('graphql-schema-linter');

const pascalCase = /^[A-Z][a-zA-Z0-9]*$/;

/** The linter's own `types-are-capitalized` looks at object and interface types only. */
function TypesArePascalCased(context) {
  const check = ({ name }) => {
    if (!pascalCase.test(name.value)) {
      const message = `The type \`${name.value}\` is not in PascalCase.`;
      context.reportError(new ValidationError('types-are-pascal-cased', message, [name]));
    }
  };
  return {
    ScalarTypeDefinition: check,
    ObjectTypeDefinition: check,
    InterfaceTypeDefinition: check,
    UnionTypeDefinition: check,
    EnumTypeDefinition: check,
    InputObjectTypeDefinition: check,
  };
}

/** The linter's own `deprecations-have-a-reason` looks at fields and enum values only. */
function InputDeprecationsHaveAReason(context) {
  return {
    InputValueDefinition({ name, directives }) {
      const deprecated = directives.find((directive) => directive.name.value === 'deprecated');
      if (
        deprecated &&
        !deprecated.arguments.some((argument) => argument.name.value === 'reason')
      ) {
        const message = `\`${name.value}\` is deprecated but has no deprecation reason.`;
        const rule = 'input-deprecations-have-a-reason';
        context.reportError(new ValidationError(rule, message, [deprecated]));
      }
    },
  };
}

module.exports = { TypesArePascalCased, InputDeprecationsHaveAReason };
