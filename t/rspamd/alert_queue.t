# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# The life of alerts in Redis, on a clock of the test's own: alert_queue.lua,
# which prints what it finds.

use strict;
use warnings;

use TLSRPT::Rspamd;
use TLSRPT::Server;

my $server = TLSRPT::Server->new->start_redis;

exit(TLSRPT::Rspamd->new(server => $server)->scenario('alert_queue'));
