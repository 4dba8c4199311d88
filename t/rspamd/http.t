# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Answers of policy hosts, as strangers may give them, and the names in their
# certificates: http.lua, which prints what it finds.

use strict;
use warnings;

use TLSRPT::Rspamd;
use TLSRPT::Server;

my $server = TLSRPT::Server->new->start_redis;

exit(TLSRPT::Rspamd->new(server => $server)->scenario('http'));
