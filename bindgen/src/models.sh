#!/bin/sh
# The compiler, which builds the models into the library's own tests. Flags of cargo's would hold for all that they need as well,
# and compile it anew.
case " $* " in
*" --crate-name datatracks "*" --test "*) exec "$@" --cfg models ;;
*) exec "$@" ;;
esac
