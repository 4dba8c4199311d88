# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Events on their way from their domains to the outbox of alerts, and who ends
# on the way: forward.lua, which prints what it finds.

use strict;
use warnings;

use TLSRPT::Rspamd;
use TLSRPT::Server;

my $server = TLSRPT::Server->new->start_redis;

exit(TLSRPT::Rspamd->new(server => $server)->scenario('forward'));
