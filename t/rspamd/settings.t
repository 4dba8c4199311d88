# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# The settings that README.md gives for the report address, in the stock
# configuration: the plugin runs, and nothing else.

use TLSRPT::Test;
use TLSRPT::Mail;
use TLSRPT::Readme;
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

my ($settings) = TLSRPT::Readme::blocks('The report address');
$server->write_file("$etc/local.d/settings.conf", $settings);
$server->write_file("$etc/local.d/tlsrpt.conf", 'domains = ["example.com"];');

my $rspamd = TLSRPT::Rspamd->new(server => $server, stock => $etc,
    signers => ['sender.example']);
my ($good, $said) = $rspamd->configtest;
ok($good, 'configtest') or diag $said;
$rspamd->start;

# Stock rules would greylist it.

my $mail = signed(report_mail(report()), 'sender.example');
my $answer = $rspamd->scan($mail);
is_deeply([sort keys %{ $answer->{symbols} }], ['TLSRPT_REPORT'],
          'the report is counted, and no other filter runs');
is($answer->{action}, 'no action', 'nor greylisting');
is($server->counted('example.com'), 1, 'once');
is_deeply([grep { !/^(?:tlsrpt:|rs_history)/ } @{ $server->redis('KEYS', '*') }], [],
          'and nothing was learnt');
$rspamd->stop;

# Other settings that leave the group out switch the plugin off.

$settings =~ s/"tlsrpt"\]/"dkim"]/ or die 'no group';
$server->write_file("$etc/local.d/settings.conf", $settings);
$rspamd->start;
is_deeply([grep { /^TLSRPT/ } keys %{ $rspamd->scan($mail)->{symbols} }], [],
          'without the group: the plugin is off');
$rspamd->stop;

done_testing;
