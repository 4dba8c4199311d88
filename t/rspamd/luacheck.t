# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# luacheck has nothing to say of the plugin.

use strict;
use warnings;

use Test::More tests => 1;
use TLSRPT::Server;

chdir(TLSRPT::Server->top) or die "chdir: $!";
my $said = `luacheck --no-color --codes rspamd_plugin 2>&1`;
is($?, 0, 'luacheck rspamd_plugin') or diag $said;
