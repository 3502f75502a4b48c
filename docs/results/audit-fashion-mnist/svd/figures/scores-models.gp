set encoding utf8
set datafile separator comma
set datafile missing ''
set border 3 lc rgb '#555555'
set tics nomirror out textcolor rgb '#222222'
set grid back lt 1 lw 0.6 lc rgb '#dddddd'
set linetype 1 lc rgb '#0072B2' lw 2 pt 7 ps 0.8
set linetype 2 lc rgb '#D55E00' lw 2 pt 7 ps 0.8
set linetype 3 lc rgb '#009E73' lw 2 pt 7 ps 0.8
set linetype 4 lc rgb '#CC79A7' lw 2 pt 7 ps 0.8
set linetype 5 lc rgb '#E69F00' lw 2 pt 7 ps 0.8
set linetype 6 lc rgb '#56B4E9' lw 2 pt 7 ps 0.8
set linetype 7 lc rgb '#000000' lw 2 pt 7 ps 0.8
set linetype 8 lc rgb '#7F7F7F' lw 2 pt 7 ps 0.8
set multiplot
set logscale y
set yrange [0.05:100]
set ytics ('0.1' 0.1, '1' 1, '10' 10, '100' 100)
set ylabel 'share of set (%)'
set xlabel 'score of entropy'
set xrange [-1.307:-0]
set tmargin at screen 0.82
set bmargin at screen 0.22
set lmargin at screen 0.065
set rmargin at screen 0.324
set title 'unlearned' offset 0,-0.6
plot 'scores-models.csv' skip 1 every ::0::39 using 3:4 with histeps lt 1 lw 2 notitle
set lmargin at screen 0.379
set rmargin at screen 0.639
set title 'original' offset 0,-0.6
unset ylabel
plot 'scores-models.csv' skip 1 every ::40::79 using 3:4 with histeps lt 1 lw 2 notitle
set lmargin at screen 0.694
set rmargin at screen 0.953
set title 'retrained' offset 0,-0.6
plot 'scores-models.csv' skip 1 every ::80::119 using 3:4 with histeps lt 1 lw 2 notitle
unset border
unset tics
unset grid
unset title
unset xlabel
unset ylabel
unset logscale
unset format
set xrange [0:1]
set yrange [0:1]
set lmargin at screen 0.02
set rmargin at screen 0.98
set tmargin at screen 0.995
set bmargin at screen 0.9000
set key center center horizontal Left reverse samplen 2 width 1
plot NaN with lines lt 1 lw 2 title 'forgotten images'
unset multiplot
