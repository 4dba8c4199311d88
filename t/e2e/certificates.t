# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Certificates of policy hosts as a provider gets them: contrib/provider.conf and
# contrib/certificates/, from nothing, with an authority on loopback, and nothing
# reloaded; renewed in time; and what happens where something is wrong.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use HTTP::Tiny;
use IO::Socket::SSL;

use TLSRPT::Pebble;
use TLSRPT::Test;

my $TOP = TLSRPT::Server->top;
my $PROGRAM = "$TOP/contrib/certificates/tlsrpt-certificates";
my $DAY = 86400;
my @domains = map { "d$_.example" } 1 .. 5;
my %port = map { $_ => TLSRPT::Server::free_port() } qw(80 443);

my $t = TLSRPT::Server->new(moves => 1, workers => 2);
my $dir = $t->dir;
my $base = "$dir/certificates";
mkdir $_ or die "$_: $!" for $base, "$base/live";
my $own = TLSRPT::Certificate->new(dir => $dir,
                                   names => ['tlsrpt.provider.example']);


# nginx as in contrib/, with paths and ports of ours

sub contrib {
    my ($name) = @_;

    my $text = $t->read_file("$TOP/contrib/$name");
    my $n = 0;
    my %instead = (
        '127.0.0.1:6379'               => '%%REDIS%%',
        '127.0.0.1:8081'               => "127.0.0.1:$t->{port}",
        '/var/lib/tlsrpt-certificates' => $base,
        '/etc/nginx/owners.htpasswd'   => "$dir/owners",
        '/etc/letsencrypt/live/tlsrpt.provider.example/fullchain.pem'
            => $own->certificate,
        '/etc/letsencrypt/live/tlsrpt.provider.example/privkey.pem'
            => $own->key,
    );

    my $names = join '|', map { quotemeta } sort { length $b <=> length $a }
        keys %instead;
    $text =~ s/($names)/$instead{$1}/g;
    $text =~ s/listen (80|443)\b/listen 127.0.0.1:$port{$1}/g;

    return $text;
}

$t->{conf} = <<'END' . contrib('provider.conf') . "}\n";
load_module %%MODULE%%;
%%USER%%
daemon off;
pid %%DIR%%/nginx.pid;
error_log %%DIR%%/error.log info;
worker_processes 2;
events { worker_connections 256; }
http {
    access_log off;
    client_body_temp_path %%DIR%%/body;
    proxy_temp_path %%DIR%%/proxy;
    fastcgi_temp_path %%DIR%%/fastcgi;
    uwsgi_temp_path %%DIR%%/uwsgi;
    scgi_temp_path %%DIR%%/scgi;
END
$t->write_file('owners', '');

sub openssl {
    TLSRPT::Server::reap($t->spawn("$dir/openssl.log", {}, 'openssl', @_), 20)
        == 0 or die "openssl @_: " . $t->read_file('openssl.log');

    return;
}

# The default pair, as doc/provider.md makes it.
openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256',
        '-nodes', '-days', 3650, '-subj', '/CN=invalid', '-keyout',
        "$dir/default.key", '-out', "$dir/default.crt");
$t->write_file("$base/live/default.pem",
    $t->read_file("$dir/default.key") . $t->read_file("$dir/default.crt"));

$t->start_redis->start_nginx;
my $pebble = TLSRPT::Pebble->new(server => $t, http => $port{80})->start;


# The operator enrols domains, and runs the program

my $admin = HTTP::Tiny->new;

sub enrol {
    my ($domain) = @_;

    return $admin->put("http://127.0.0.1:$t->{port}/admin/domains/$domain", {
        headers => { 'Content-Type' => 'application/json' },
        content => encode_json({ mode => 'testing', 'max-age' => 604800,
                                 mx => ["mx.$domain"],
                                 verified => JSON::PP::true }) })->{status};
}

sub configure {
    my (%more) = @_;

    my $conf = contrib('certificates/dehydrated.conf')
        . 'CA="' . ($more{CA} || $pebble->directory) . "\"\n"
        . 'CURL_OPTS="--cacert ' . $pebble->trusted . "\"\n";

    $t->write_file('dehydrated.conf', $conf);
    $t->write_file('config', contrib('certificates/config')
        . "DEHYDRATED=$dir/dehydrated.conf\nMETRICS=$dir/all.prom\n"
        . join '', map { "$_=$more{$_}\n" } grep { $_ ne 'CA' } sort keys %more);

    return;
}

# Runs a command so many days from now; its status and what it printed.
sub run {
    my ($days, @command) = @_;

    my $env = $days ? $t->redis_env : {};
    unlink "$dir/run.out";
    $t->move_clock($days * $DAY);
    my $status = TLSRPT::Server::reap($t->spawn("$dir/run.out", $env,
                                                @command), 120);
    $t->move_clock(0);

    return (defined $status ? $status >> 8 : -1, $t->read_file('run.out'));
}

sub get_certificates {
    my ($days) = @_;

    return run($days || 0, $PROGRAM, "$dir/config");
}

# Who is shown to those that ask for a name: "trusted", or by whom.
sub shown {
    my ($name) = @_;

    my $socket = IO::Socket::SSL->new(
        PeerAddr => '127.0.0.1', PeerPort => $port{443},
        SSL_hostname => $name, SSL_verifycn_name => $name,
        SSL_verifycn_scheme => 'http', SSL_ca_file => $pebble->root);
    return 'trusted' if $socket;

    $socket = IO::Socket::SSL->new(
        PeerAddr => '127.0.0.1', PeerPort => $port{443},
        $name ? (SSL_hostname => $name) : (), SSL_verify_mode => 0)
        or return 'nobody';

    return $socket->peer_certificate('subject');
}

sub policy {
    my ($domain) = @_;

    return HTTP::Tiny->new(verify_SSL => 1, SSL_options => {
        SSL_ca_file => $pebble->root })->get("https://mta-sts.$domain:$port{443}"
        . '/.well-known/mta-sts.txt', { peer => '127.0.0.1' });
}

sub live {
    my @hosts = sort map { m{([^/]+)\.pem$} } glob "$base/live/mta-sts.*.pem";

    return @hosts;
}

sub metrics { return $t->read_file('all.prom') }

configure(MAX_PER_RUN => 3);
my ($status, $said) = get_certificates();
is $status, 0, 'nothing is wanted yet' or diag $said;
is_deeply [live()], [], 'so nothing is got';

is enrol($_), 201, "$_ is enrolled" for @domains;
my @wanted = sort map { "mta-sts.$_" } @domains;
ok TLSRPT::Server::wait_until(10, sub {
    my $list = $admin->get("http://127.0.0.1:$t->{port}/certificates");
    return $list->{content} eq join '', map { "$_\n" } @wanted;
}), 'their policy hosts are wanted';
my @workers = $t->workers;

($status, $said) = get_certificates();
is $status, 1, 'without an account';
like $said, qr/accept-terms|terms of service/, 'the terms are to be accepted';
is_deeply [glob "$base/failed/*"], [], 'which is no fault of the hosts';

($status, $said) = run(0, 'dehydrated', '--config', "$dir/dehydrated.conf",
                       '--register', '--accept-terms');
is $status, 0, 'registered' or diag $said;


# All of them, a few a run

($status, $said) = get_certificates();
is $status, 0, 'the first run' or diag $said;
like $said, qr/others are left to the next run/, 'has its bound';
is scalar(() = live()), 3, 'three are there';
like metrics(), qr/^tlsrpt_certificates_missing 2$/m, 'two are not';
($status, $said) = get_certificates();
is $status, 0, 'the second run' or diag $said;
is_deeply [live()], \@wanted, 'all are there';
like metrics(), qr/^tlsrpt_certificates_missing 0$/m, 'none is missing';

is shown($_), 'trusted', $_ for @wanted;
is policy('d1.example')->{status}, 200, 'its policy is served';
like policy('d1.example')->{content}, qr/^mx: mx\.d1\.example\r$/m, 'that one';
is_deeply [$t->workers], \@workers, 'by the workers that were there before';
is +(stat "$base/live/$wanted[0].pem")[2] & 0777, 0640,
    'for their group to read';

my %serial;

sub serial {
    my ($host) = @_;

    my $text = qx(openssl x509 -noout -serial -in $base/live/$host.pem);
    return $text;
}
$serial{$_} = serial($_) for @wanted;


# What else asks

like shown(''), qr/CN=invalid/, 'without a name';
like shown($_), qr/CN=invalid/, $_
    for 'www.example.com', 'mta-sts', 'xmta-sts.d1.example', 'default',
        'mta-sts.d1.example.', 'mta-sts.d1.example/../default';
unlike $t->error_log, qr/cannot load certificate/, 'which fills no log';


# Metrics

my $checked = -x '/usr/bin/promtool'
    ? qx(promtool check metrics < $dir/all.prom 2>&1) : die 'no promtool';
is $checked, '', 'Prometheus takes the metrics';
for my $host (@wanted) {
    my ($ends) = metrics() =~ /^tlsrpt_certificate_not_after_seconds
                               \{host="\Q$host\E"\}\ (\d+)$/xm;
    cmp_ok $ends || 0, '>', time + 30 * $DAY, "when $host expires";
}


# Renewed when a third of their time is left

my ($first) = metrics() =~ /not_after_seconds\{[^}]*\} (\d+)/;
my $lasts = int(($first - time) / $DAY);
($status, $said) = get_certificates(int $lasts / 2);
is $status, 0, 'after half of their time' or diag $said;
is serial($_), $serial{$_}, "$_ is kept" for $wanted[0];

configure(MAX_PER_RUN => 2);
my $late = int($lasts * 0.75);
($status, $said) = get_certificates($late);
is $status, 0, 'later' or diag $said;
is scalar(grep { serial($_) ne $serial{$_} } @wanted), 2, 'two are renewed';
is shown($_), 'trusted', "$_ yet" for @wanted;
is_deeply [$t->workers], \@workers, 'and still nothing was reloaded';


# A host that does not lead here

configure(MAX_PER_RUN => 50);
$pebble->address_of('mta-sts.elsewhere.example', '127.0.0.2');
is enrol($_), 201, "$_ is enrolled" for 'elsewhere.example', 'last.example';

sub is_wanted {
    my ($host) = @_;

    return TLSRPT::Server::wait_until(10, sub {
        $admin->get("http://127.0.0.1:$t->{port}/certificates")->{content}
            =~ /^\Q$host\E$/m });
}
ok is_wanted("mta-sts.$_.example"), "$_ is wanted" for 'elsewhere', 'last';
($status, $said) = get_certificates();
is $status, 0, 'one host alone is no failure';
like $said, qr/^\S+ mta-sts\.elsewhere\.example: no certificate: .*\S/m,
    'and is told';
ok -e "$base/live/mta-sts.last.example.pem", 'the others have theirs';
my ($count) = split ' ', $t->read_file("$base/failed/mta-sts.elsewhere.example");
is $count, 1, 'it is noted';
($status, $said) = get_certificates();
is $said, '', 'and not tried again at once';
($status, $said) = get_certificates(1);
like $said, qr/elsewhere\.example: no certificate/, 'but later';
like $t->read_file("$base/failed/mta-sts.elsewhere.example"), qr/^2 /,
    'and then for longer not';
$pebble->address_of('mta-sts.elsewhere.example', '127.0.0.1');
($status, $said) = get_certificates(3);
ok -e "$base/live/mta-sts.elsewhere.example.pem", 'until it does';
ok !-e "$base/failed/mta-sts.elsewhere.example", 'then all is forgotten';


# A list that lies, and one that is away

my @kept = live();
$t->write_file('list', join "\n", @kept, 'mta-sts.a.example/../../x', '-rf',
    'mta-sts.$(touch x).example', '../default', 'MTA-STS.b.example',
    'mta-sts.example', 'mta-sts..example', 'mta-sts.' . 'a' x 64 . '.example',
    'default', '');
configure(LIST => "file://$dir/list");
($status, $said) = get_certificates();
is $status, 1, 'a list with other names';
is scalar(() = $said =~ /no name of a policy host/g), 9, 'each is told';
is_deeply [live()], \@kept, 'nothing comes of them';

configure(LIST => 'http://127.0.0.1:1/', MAX_PER_RUN => 1);
($status, $said) = get_certificates();
is $status, 1, 'no list';
like $said, qr/cannot be had/, 'is told';
is_deeply [live()], \@kept, 'and all stays';
%serial = map { $_ => serial($_) } @kept;
($status, $said) = get_certificates($lasts);
is scalar(grep { serial($_) ne $serial{$_} } @kept), 1,
    'and is renewed by the last list';


# An authority that wants to be left alone

my $busy = TLSRPT::Server->new(server => <<'END')->start_nginx;
        location / {
            default_type application/problem+json;
            add_header Retry-After 7200 always;
            return 429 '{"type":"urn:ietf:params:acme:error:rateLimited"}';
        }
END
$t->write_file('list', join "\n", @kept, 'mta-sts.new.example');
configure(LIST => "file://$dir/list", CA => "http://127.0.0.1:$busy->{port}/");
($status, $said) = get_certificates();
is $status, 1, 'too many requests';
like $said, qr/not asked again in this run/, 'ends the run';
is_deeply [glob "$base/failed/*"], [], 'which is no fault of the host';
$busy->stop_nginx;
($status, $said) = get_certificates();
like $said, qr/asked to be left alone until/, 'and holds until it may';
configure(LIST => "file://$dir/list");
($status, $said) = get_certificates(0.1);
ok -e "$base/live/mta-sts.new.example.pem", 'two hours later it is asked';


# What is no longer wanted goes when it has expired

$t->write_file('list', join "\n", @kept);
configure(LIST => "file://$dir/list", MAX_PER_RUN => 1);
get_certificates(1);
ok -e "$base/live/mta-sts.new.example.pem", 'it may be wanted again';
get_certificates($lasts + 30);
ok !-e "$base/live/mta-sts.new.example.pem", 'not for ever';
ok !-e "$base/certs/mta-sts.new.example", 'nor its key';
unlike metrics(), qr/new\.example/, 'nor told of';
is shown('mta-sts.d1.example'), 'trusted', 'the others are there';

is $t->stop_nginx, '', 'nothing bad in the log';
done_testing;
