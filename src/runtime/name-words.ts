/** The first half of random container names. */
export const ADJECTIVES = (
  "able agile airy amber ample apt ardent atomic azure balmy bold bonny brave breezy bright brisk bubbly calm candid " +
  "careful casual cheery civil classy clear clever cosmic cosy crafty crisp curious dandy dapper daring deft devout " +
  "dreamy eager earnest easy elated exact fabled fair fancy fearless festive fine fleet fluent fond frank fresh gallant " +
  "generous gentle gifted glad golden graceful grand happy hardy hearty helpful honest hopeful humble ideal jolly jovial " +
  "joyful keen kind lively logical loyal lucid lucky lunar mellow merry mighty mindful modest musing neat nifty nimble " +
  "noble open patient peaceful placid playful plucky polite prompt proud quick quiet radiant rapid ready regal robust " +
  "rosy sage serene sharp shiny silent sincere sleek smart snappy solar solid spry stable starry steady sturdy subtle " +
  "sunny swift tender thrifty tidy tranquil true trusty upbeat useful valiant vast vivid warm wise witty worthy zesty"
).split(" ");

/** The second half: people to whom computing, mathematics and the sciences owe something. */
export const SURNAMES = (
  "abel adleman allen alvarez ampere anning archimedes aryabhata babbage backus banach banneker bardeen bernoulli bohr " +
  "boltzmann boole borg bose brahmagupta burnell cantor carson carver cauchy cerf chandrasekhar chatelet church " +
  "cocks codd conway cori cray curie dalton darwin dedekind descartes dijkstra diffie dirac dirichlet edwards einstein " +
  "elion engelbart erdos euclid euler faraday fermat fermi feynman fibonacci fourier franklin frege galileo galois gauss " +
  "germain gibbs goedel goldwasser gosling gray hadamard haibt hamilton hamming hawking hellman herschel hertz heyrovsky " +
  "hilbert hoare hodgkin holberton hopper huffman huygens hypatia iverson jacobi jang jemison johnson joliot joule karp " +
  "katherine keldysh kepler kernighan khayyam kilby kirch knuth kolmogorov kovalevskaya lagrange lamarr lamport laplace " +
  "leavitt legendre leibniz lie liskov lovelace lumiere markov maxwell mayer mccarthy mcclintock meitner mendel " +
  "mendeleev mersenne minkowski minsky mirzakhani morse napier nash neumann newton noether noyce ohm pascal pasteur " +
  "pauli perlman planck poincare poisson ptolemy pythagoras ramanujan riemann ride ritchie rivest rubin russell " +
  "rutherford sammet shamir shannon shockley sierpinski sinoussi somerville stallman stirling stokes stroustrup sylvester " +
  "tarjan tarski tesla thompson torvalds turing viete villani volta wescoff weyl wilbur wiles wilkes wing wirth wozniak " +
  "yalow yonath zeno zuse"
).split(" ");
