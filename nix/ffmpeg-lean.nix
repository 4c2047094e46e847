# An FFmpeg with nothing but what a viewer needs: a fifth of the memory of a full one per viewer. Its flags are a file
# of their own, because `make ffmpeg-lean` builds the same without Nix.
{
  lib,
  stdenv,
  fetchurl,
  nasm,
}:
stdenv.mkDerivation (finalAttrs: {
  pname = "ffmpeg-lean";
  # The command line of FFmpeg 7 and later runs three threads per process, that of 5.1 one.
  version = "5.1.9";

  src = fetchurl {
    url = "https://ffmpeg.org/releases/ffmpeg-${finalAttrs.version}.tar.xz";
    sha256 = "d9b593bb2ba93d4b50f74177e0cdcd41747e708596367deed0c30348a71dd176";
  };

  nativeBuildInputs = lib.optional stdenv.hostPlatform.isx86_64 nasm;

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
