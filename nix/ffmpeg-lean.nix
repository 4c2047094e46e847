# An FFmpeg with nothing but what a viewer needs: a fifth of the memory of a full one per viewer. Its flags and its
# release are files of their own, because `make ffmpeg-lean` builds the same without Nix.
{
  lib,
  stdenv,
  fetchurl,
}:
let
  release = lib.importJSON ./ffmpeg-lean.json;
in
stdenv.mkDerivation (finalAttrs: {
  pname = "ffmpeg-lean";
  # The command line of FFmpeg 7 and later runs three threads per process, that of 5.1 one.
  inherit (release) version;

  src = fetchurl {
    url = "https://ffmpeg.org/releases/ffmpeg-${finalAttrs.version}.tar.xz";
    inherit (release) sha256;
  };

  # FFmpeg's configure is not autoconf's: it refuses what it does not know.
  configurePlatforms = [ ];
  dontDisableStatic = true;
  setOutputFlags = false;
  configureFlags = lib.filter (flag: flag != "") (
    lib.splitString "\n" (builtins.readFile ./ffmpeg-lean.flags)
  );

  enableParallelBuilding = true;

  meta = {
    description = "FFmpeg with only what an HLS viewer needs";
    homepage = "https://www.ffmpeg.org/";
    license = lib.licenses.lgpl21Plus;
    platforms = lib.platforms.unix;
    mainProgram = "ffmpeg";
  };
})
