#!/bin/sh
# JSON is what the stable rustdoc writes for those who say that they know it to be unstable. Said here, and not to cargo: some
# build scripts look for the variable, and would compile everything anew each time that it comes and goes.
RUSTC_BOOTSTRAP=1 exec rustdoc "$@"
