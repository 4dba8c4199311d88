# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Two rspamd hosts on one Redis: a report counts once, whichever of them sees it
# and however often, and nothing of either is missing.

use TLSRPT::Test;
use TLSRPT::Mail;
use TLSRPT::Rspamd;

my $server = servers(nginx => 0, redis => 1);
my @hosts = map {
    TLSRPT::Rspamd->new(
        server  => $server,
        name    => "rspamd$_",
        signers => ['sender.example'],
        tlsrpt  => 'domains = ["example.com"]; timeout = 2;',
    )->start
} 1, 2;

sub mail_of {
    my ($id) = @_;

    return signed(report_mail(report('report-id' => $id)), 'sender.example');
}

sub symbol {
    my ($host, $mail) = @_;

    my $symbols = $host->scan($mail)->{symbols};

    return join ' ', grep { /^TLSRPT_/ } sort keys %$symbols;
}

# The first passes through a backup MX, then the host behind it.

my $mail = mail_of('first');
is symbol($hosts[1], $mail), 'TLSRPT_REPORT', 'the backup MX stores it';
is symbol($hosts[0], $mail), 'TLSRPT_DUPLICATE', 'behind it: had before';
is symbol($hosts[1], $mail), 'TLSRPT_DUPLICATE', 'there again: had before';

for my $n (1 .. 6) {
    is symbol($hosts[$n % 2], mail_of("of-either-$n")), 'TLSRPT_REPORT',
        "each sees others: $n";
}

is $server->counted('example.com'), 7, 'all are counted, each once';

is $_->stop, '', 'nothing bad in the log' for @hosts;

done_testing;
