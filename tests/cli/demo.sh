# The demo, whole: its report is there, and what it says is what forgetting should look like. Minutes: the long tier.
set -eu
[ -n "${EXPUNGE_LONG:-}" ] || { echo "long: make check-long"; exit 77; }
"$EXPUNGE" run "$EXPUNGE_TESTS/../configs/demo.yaml" --results r --quiet
[ -s r/demo/report.html ] && [ -s r/demo/results.tex ] && [ -s r/demo/figures/roc.csv ]
value() { # method, column of runs.csv
    awk -F, -v m="$1" -v c="$2" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == c) k = i; next } $1 == m { print $k; exit }' r/demo/results.csv
}

for method in svd retrain; do
    acc_f=$(value $method acc_forget_test)
    [ -n "$acc_f" ] || { echo "no ACC_f of $method"; exit 1; }
    awk -v x="$acc_f" 'BEGIN { exit !(x <= 2) }' || { echo "$method: ACC_f $acc_f%"; exit 1; }
done
