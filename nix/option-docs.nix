# The modules' options as Markdown, from the modules themselves.
{ pkgs, modules }:
let
  inherit (pkgs) lib;
  evaluated = lib.evalModules {
    modules = modules ++ [
      {
        # The options alone: what they would configure is not here.
        _module.check = false;
        _module.args.pkgs = pkgs;
      }
    ];
  };
  options = lib.filter (option: option.visible && !option.internal) (
    lib.optionAttrSetToDocList evaluated.options.services
  );
  code =
    label: value:
    lib.optionalString (
      value != null
    ) "\n${label}:\n\n```nix\n${lib.removeSuffix "\n" value.text}\n```\n";
  section = option: ''
    ## `${option.name}`

    ${lib.removeSuffix "\n" option.description}

    Type: ${option.type}
    ${code "Default" (option.default or null)}${code "Example" (option.example or null)}'';
in
pkgs.writeText "options.md" (
  "# Options of the NixOS modules\n\n" + lib.concatMapStringsSep "\n" section options
)
