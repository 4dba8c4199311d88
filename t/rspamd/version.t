# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# rspamd's log tells the version when it loads the plugin.

use TLSRPT::Test;
use TLSRPT::Rspamd;

my $server = servers(nginx => 0, redis => 1);
my $rspamd = TLSRPT::Rspamd->new(
    server => $server,
    tlsrpt => 'domains = ["example.com"];',
)->start;

my ($version) = split /\n/, $server->read_file("@{[ $server->top ]}/VERSION");

like $rspamd->log, qr/tlsrpt: version \Q$version\E$/m, "version $version";
$rspamd->stop;

done_testing;
