# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Builds and runs send.c: libcurl's thread without rspamd, under the sanitizers.

use strict;
use warnings;

use TLSRPT::Server;
use TLSRPT::Sink;

my $top = TLSRPT::Server->top;
my $server = TLSRPT::Server->new;
my $program = $server->dir . '/send';

system(qw(gcc -std=c11 -O1 -g -Wall -Wextra -Werror
    -fsanitize=address -fsanitize=undefined -fno-sanitize-recover=undefined
    -fno-omit-frame-pointer), "-I$top/rspamd_plugin/send", '-o', $program,
    "$top/t/rspamd/send.c", "$top/rspamd_plugin/send/tlsrpt_send.c",
    '-lcurl') == 0 or die 'gcc';

my $takes = TLSRPT::Sink->new(server => $server, name => 'takes')->start;
my $mute = TLSRPT::Sink->new(server => $server, name => 'mute')->start;
$mute->answer(0);

my $status = system($program, $takes->{port}, $mute->{port});
exit($status == 0 ? 0 : 1);
