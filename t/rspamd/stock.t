# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# In the stock configuration of the rspamd found here, as it is installed: the
# files of the plugin, and a local.d/tlsrpt.conf.

use TLSRPT::Test;
use TLSRPT::Mail;
use TLSRPT::Rspamd;

use File::Path qw(make_path);

my $top = TLSRPT::Server->top;
my $server = servers(nginx => 0, redis => 1);
my $etc = $server->dir . '/etc';

system('cp', '-r', '/etc/rspamd', $etc) == 0 or die 'cp';
make_path("$etc/plugins.d", "$etc/local.d");
system('cp', "$top/rspamd_plugin/tlsrpt.lua", "$etc/plugins.d/") == 0
    or die 'cp';
system('cp', "$top/rspamd_plugin/tlsrpt.conf", "$etc/modules.d/") == 0
    or die 'cp';

my $rspamd = TLSRPT::Rspamd->new(server => $server, stock => $etc,
    signers => ['sender.example']);

# Not configured: off

my ($good, $said) = $rspamd->configtest;
ok($good, 'the files alone: configtest') or diag $said;
unlike($said, qr/tlsrpt/, 'has nothing to say');

# Configured

my $example = "$top/rspamd_plugin/local.d/tlsrpt.conf";
$server->write_file("$etc/local.d/tlsrpt.conf", $server->read_file($example));
($good, $said) = $rspamd->configtest;
ok($good, 'with the example of local.d/tlsrpt.conf') or diag $said;
unlike($said, qr/tlsrpt/, 'nothing to say');

# This mail looks bad enough to stock rules to be greylisted.

$server->write_file("$etc/local.d/greylist.conf", "timeout = 1s;\n");
$rspamd->start;
my $mail = signed(report_mail(report()), 'sender.example');
my $answer = $rspamd->scan($mail);
is($answer->{action}, 'soft reject', 'greylisted');
ok(!(grep { /^TLSRPT/ } keys %{ $answer->{symbols} }), 'and not counted yet');

sleep 2;
my $symbols = $rspamd->scan($mail)->{symbols};
ok($symbols->{TLSRPT_REPORT}, 'its retry is stored')
    or diag join "\n", grep { /tlsrpt/ } split /\n/, $rspamd->log;
is($symbols->{TLSRPT_REPORT}{score}, 0, 'weight 0');
ok($rspamd->scan($mail)->{symbols}{TLSRPT_DUPLICATE}, 'once');
ok(!(grep { /^TLSRPT/ } keys %{ $rspamd->scan(
    "From: a\@example.org\r\nTo: b\@example.com\r\nSubject: hi\r\n"
    . "\r\nhello\r\n")->{symbols} }), 'other mail has no symbol');
is($rspamd->stop, '', 'nothing bad in the log');
unlike($rspamd->log, qr/tlsrpt\.lua.*(?:error|cannot|unknown)/,
       'nor of the plugin');

done_testing;
