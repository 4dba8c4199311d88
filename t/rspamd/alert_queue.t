# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# The life of alerts in Redis, on a clock of the test's own: alert_queue.lua,
# which prints what it finds.

use strict;
use warnings;

use TLSRPT::Rspamd;
use TLSRPT::Server;

my $server = TLSRPT::Server->new->start_redis;
my $rspamd = TLSRPT::Rspamd->new(server => $server)->prepare;
my %environment = %{ $rspamd->environment };
@ENV{keys %environment} = values %environment;

my $status = system('rspamadm', 'lua', '-b', '-a', $server->redis_socket,
    TLSRPT::Server->top . '/t/rspamd/alert_queue.lua');

exit($status == 0 ? 0 : 1);
