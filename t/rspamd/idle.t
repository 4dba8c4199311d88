# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# A worker with nothing to do is not woken by the plugin.

use TLSRPT::Test;
use TLSRPT::Mail;
use TLSRPT::Rspamd;

my $SECONDS = 4;

my $server = servers(nginx => 0, redis => 1);
my ($off, $on) = map {
    TLSRPT::Rspamd->new(server => $server, name => $_->[0],
        signers => ['sender.example'],
        tlsrpt => "domains = [\"example.com\"]; $_->[1]")->start
} ['off', 'enabled = false;'], ['on', ''];

# How often its workers were scheduled so far, all together.
sub wakings {
    my ($rspamd) = @_;

    my $sum = 0;
    for my $pid ($rspamd->workers($rspamd->pid)) {
        $server->read_file("/proc/$pid/status")
            =~ /^voluntary_ctxt_switches:\s*(\d+)/m and $sum += $1;
    }

    return $sum;
}

# How much oftener with the plugin, meanwhile.
sub more {
    my @before = map { wakings($_) } $off, $on;
    sleep $SECONDS;
    my @after = map { wakings($_) } $off, $on;

    return ($after[1] - $before[1]) - ($after[0] - $before[0]);
}

my $most = 2 * $SECONDS;        # those of rspamd itself do not fall together

sleep 2;
cmp_ok(more(), '<', $most, 'before a mail');
my $mail = signed(report_mail(report()), 'sender.example');
$_->scan($mail) for $off, $on;
ok($on->scan($mail)->{symbols}{TLSRPT_DUPLICATE}, 'a report is known');
$off->scan($mail);
sleep 2;
cmp_ok(more(), '<', $most, 'after it');

is($_->stop, '', 'nothing bad in the log') for $off, $on;
done_testing;
