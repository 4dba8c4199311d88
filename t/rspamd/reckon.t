# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Problems of domains that are due, worked out by rspamd, and hosts that end in
# the middle of it: reckon.lua, which prints what it finds.

use strict;
use warnings;

use TLSRPT::Rspamd;
use TLSRPT::Server;

my $server = TLSRPT::Server->new->start_redis;

exit(TLSRPT::Rspamd->new(server => $server)->scenario('reckon'));
