# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Which TLSA records match what a mail server shows, and what is said where that
# cannot be known: tlsa.lua, which prints what it finds.

use strict;
use warnings;

use TLSRPT::Rspamd;
use TLSRPT::Server;

my $server = TLSRPT::Server->new->start_redis;

exit(TLSRPT::Rspamd->new(server => $server)->scenario('tlsa'));
