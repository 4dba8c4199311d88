# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# The configuration of nginx in README.md runs as it is written, but for
# addresses, paths and certificates, and its commands print what is written.

use TLSRPT::Test;
use TLSRPT::Readme;

my ($http, $policy) = TLSRPT::Readme::blocks('Configuration');
my ($path, $text) = $policy =~ m{^\$ cat (\S+)\n(.*)}s;
my ($name) = $path =~ m{([^/]+)\z};

my $t = servers(nginx => 0, redis => 1);
my $dir = $t->dir;
my $port = $t->port;

# What an admin has anyway.

system("cd $dir && openssl req -x509 -newkey rsa:2048 -nodes -days 1"
       . ' -subj /CN=tlsrpt.example.com -keyout key.pem -out cert.pem'
       . ' -addext subjectAltName=DNS:tlsrpt.example.com,'
       . 'DNS:mta-sts.example.com,DNS:mta-sts.example.org 2> /dev/null') == 0
    or die 'openssl';

sub change {
    my ($from, $to) = @_;

    $http =~ s/$from/$to/g or die "README.md: no $from";

    return;
}

mkdir "$dir/mta-sts";
$t->write_file("mta-sts/$name", $text);
change(qr/127\.0\.0\.1:6379/, '%%REDIS%%');
change(qr{/etc/nginx/mta-sts/}, "$dir/mta-sts/");
change(qr/listen 443 ssl;/, 'listen 127.0.0.1:%%PORT%% ssl;');
change(qr/# ssl_certificate \.\.\./,
       "ssl_certificate $dir/cert.pem; ssl_certificate_key $dir/key.pem;");

sub conf {
    my ($http) = @_;

    $http =~ s/^http \{\n/$&client_body_temp_path body; access_log off;
        proxy_temp_path proxy; fastcgi_temp_path fastcgi;
        uwsgi_temp_path uwsgi; scgi_temp_path scgi;\n/;

    return <<"END";
load_module %%MODULE%%;
%%USER%%
daemon off;
pid %%DIR%%/nginx.pid;
error_log %%DIR%%/error.log info;
worker_processes 1;
events { }
$http
END
}

$t->{conf} = conf($http);
my ($good, $said) = $t->nginx_test;
ok $good, 'nginx -t' or diag $said;
unlike $said, qr/\[warn\]/, 'warns of nothing';
$t->start_nginx;

# A command, by a curl that finds this nginx wherever it looks.
sub run {
    my ($command) = @_;

    $command =~ s/--connect-to \S+ //;
    $command = $t->write_file('command', <<"END");
cd @{[ $t->top ]}
curl() {
    command curl -sS --cacert $dir/cert.pem --connect-to ::127.0.0.1:$port "\$@"
}
$command
END
    my $printed = `sh $command 2>&1`;
    is $?, 0, 'the command succeeds' or diag $printed;

    return $printed;
}

TLSRPT::Readme::check_examples('README.md', 'DNS records', \&run);

# Policies are where their records say.

for my $domain ('example.com', 'example.org') {
    like run("curl https://mta-sts.$domain/.well-known/mta-sts.txt"),
        qr/^version: STSv1\r\nmode: testing\r\n/, "the policy of $domain";
}

# Ending MTA-STS

my ($first) = TLSRPT::Readme::section('Ending MTA-STS')
    =~ /`(mode=none max_age=\S+)`/;
(my $ended = $http) =~ s/mode=testing max_age=14d\s+mx=\S+ mx=[^;]+/$first/
    or die 'no policy';
($good, $said) = $t->nginx_test(conf => conf($ended));
ok $good, "nginx -t takes $first" or diag $said;

# What nginx -t says of bad policies

for my $line (grep { /^nginx: \[/ } map { split /\n/ }
              TLSRPT::Readme::blocks('mta_sts_policies'))
{
    my ($level, $reason) = $line =~ /^nginx: \[(\w+)\] (.*) in \S+\z/;
    my $directive = $level eq 'warn' ? 'max_age=1d mx=mx.example.com'
        : 'max_age=14d mx=mx.*.example.com';

    ($good, $said) = $t->nginx_test(conf => conf(<<"END"));
http { mta_sts_policy example.com mode=enforce $directive; }
END
    is !!$good, $level eq 'warn', "nginx -t: $level";
    like $said, qr/^nginx: \[$level\] \Q$reason\E in \S+$/m, 'says so';
}

done_testing;
